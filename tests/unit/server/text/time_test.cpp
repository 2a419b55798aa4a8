#include "server/text/time.hpp"

#include <doctest/doctest.h>

using server::seconds_of;

TEST_CASE("a time in UTC is read with or without its end") {
  CHECK(seconds_of("1970-01-01") == 0);
  CHECK(seconds_of("2026-11-28") == 1'795'824'000);
  CHECK(seconds_of("2026-11-28T02:14") == 1'795'824'000 + 2 * 3600 + 14 * 60);
  CHECK(seconds_of("2026-11-28T02:14:07") == 1'795'824'000 + 2 * 3600 + 14 * 60 + 7);
  CHECK(seconds_of("2026-11-28T02:14:07Z") == seconds_of("2026-11-28T02:14:07"));
  CHECK(seconds_of("1969-12-31T23:59:59Z") == -1);
}

TEST_CASE("what is not a time is nothing") {
  for (const auto* text :
       {"", "Z", "now", "2026", "2026-11", "2026-1-2", "2026-13-01", "2026-02-30", "2026-11-28T",
        "2026-11-28 02:14", "2026-11-28T24:00", "2026-11-28T02:60", "2026-11-28T02:14:61",
        "2026-11-28T02:14:07.5Z", "2026-11-28T02:14:07ZZ", "+026-11-28", "2026-11-2x"})
    CHECK_FALSE(seconds_of(text));
}

TEST_CASE("a person means a span before now, or a time") {
  CHECK(server::time_meant("2h", 10'000'000) == 10'000'000 - 7'200'000);
  CHECK(server::time_meant("2026-11-28T02:14", 0) == 1000 * *seconds_of("2026-11-28T02:14"));
  CHECK_FALSE(server::time_meant("yesterday", 0));
}
