#include "protocols/http/date.hpp"

#include <doctest/doctest.h>

using namespace protocols::http;

TEST_CASE("a time is written as RFC 9110 has it") {
  CHECK(date_text(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(date_text(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(date_text(951'782'400) == "Tue, 29 Feb 2000 00:00:00 GMT");
}

TEST_CASE("all three forms of a time are understood") {
  CHECK(parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784'111'777);
  CHECK(parse_date("Sunday, 06-Nov-94 08:49:37 GMT") == 784'111'777);
  CHECK(parse_date("Sun Nov  6 08:49:37 1994") == 784'111'777);
}

TEST_CASE("what is no time is none") {
  for (const auto* text :
       {"", "now", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 99999 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT and a long tail"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_date(text));
  }
}

TEST_CASE("each time that is written is understood again") {
  for (std::int64_t time = 0; time < 4'000'000'000; time += 86'400 * 17 + 3'607)
    CHECK(parse_date(date_text(time)) == time);
}
