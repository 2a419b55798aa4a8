#include "protocols/http/percent.hpp"

#include <doctest/doctest.h>

using namespace protocols::http;

TEST_CASE("what is percent-encoded is decoded") {
  CHECK(percent_decoded("%2FEWC%2f17 a+b") == "/EWC/17 a+b");
  for (const auto* text : {"%", "a%2", "%zz", "%2g"}) CHECK_MESSAGE(!percent_decoded(text), text);
}
