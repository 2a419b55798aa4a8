#include "server/http/parameters.hpp"

#include <doctest/doctest.h>

using namespace server::http;

TEST_CASE("a query is read, percent-encoded or not") {
  using All = std::map<std::string, std::string>;
  CHECK(parameters_of("") == All{});
  CHECK(parameters_of("a=b&c=d+e&f") == All{{"a", "b"}, {"c", "d e"}, {"f", ""}});
  CHECK(parameters_of("&&a=%2FEWC%2f17&a=x%26y=z") == All{{"a", "x&y=z"}});
  for (const auto* query : {"a=%", "a=%2", "%zz=1", "a=b&c=%2g"}) CHECK_MESSAGE(!parameters_of(query), query);
}
