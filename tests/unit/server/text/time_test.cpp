#include "server/text/time.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <ctime>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/environment_variable.hpp"

using namespace server;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t midnight = 1'795'824'000'000;  // 2026-11-28
constexpr std::int64_t second = 1'000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
constexpr std::int64_t now = midnight + 9 * hour + 42;

// Where the host's own clocks show the time of Japan.
struct InJapan {
  std::optional<test::EnvironmentVariable> zone{std::in_place, "TZ", "JST-9"};
  InJapan() { ::tzset(); }
  InJapan(const InJapan&) = delete;
  InJapan& operator=(const InJapan&) = delete;
  ~InJapan() {
    zone.reset();
    ::tzset();
  }
};

}  // namespace

TEST_CASE("a time is written in UTC, to the second, whatever the host's own zone") {
  const InJapan zone;
  for (const auto& [milliseconds, text] : std::initializer_list<std::pair<std::int64_t, const char*>>{
           {0, "1970-01-01T00:00:00Z"},
           {midnight - 1, "2026-11-27T23:59:59Z"},
           {midnight, "2026-11-28T00:00:00Z"},
           {midnight + 2 * hour + 14 * minute + 7 * second + 999, "2026-11-28T02:14:07Z"},
           {1'835'395'199'000, "2028-02-28T23:59:59Z"},
           {1'835'395'200'000, "2028-02-29T00:00:00Z"},
           {4'102'444'800'000, "2100-01-01T00:00:00Z"},
           {-1'000, "1969-12-31T23:59:59Z"}}) {
    CHECK(utc_of(milliseconds) == text);
    CHECK(utc(std::chrono::system_clock::time_point(milliseconds * 1ms)) == text);
  }
}

TEST_CASE("a time is written right where the system's clock has ended, and bounded where the years are") {
  for (const auto& [milliseconds, text] : std::initializer_list<std::pair<std::int64_t, const char*>>{
           {9'223'372'036'999, "2262-04-11T23:47:16Z"},
           {9'223'372'037'000, "2262-04-11T23:47:17Z"},
           {16'725'225'600'000, "2500-01-01T00:00:00Z"},
           {253'402'300'799'999, "9999-12-31T23:59:59Z"},
           {253'402'300'800'000, "9999-12-31T23:59:59Z"},
           {INT64_MAX, "9999-12-31T23:59:59Z"},
           {-1, "1969-12-31T23:59:59Z"},
           {-62'167'219'200'000, "0000-01-01T00:00:00Z"},
           {-62'167'219'200'001, "0000-01-01T00:00:00Z"},
           {INT64_MIN, "0000-01-01T00:00:00Z"}})
    CHECK(utc_of(milliseconds) == text);
  CHECK(time_meant("2500-01-01", now) == 16'725'225'600'000);
}

TEST_CASE("a span is a time before now, up to ten thousand of its unit") {
  for (const auto& [text, span] :
       std::initializer_list<std::pair<const char*, std::int64_t>>{{"0m", 0},
                                                                   {"1m", minute},
                                                                   {"30m", 30 * minute},
                                                                   {"2h", 2 * hour},
                                                                   {"7d", 7 * day},
                                                                   {"2w", 14 * day},
                                                                   {"007d", 7 * day},
                                                                   {"10000m", 10'000 * minute},
                                                                   {"10000w", 70'000 * day}}) {
    CAPTURE(text);
    CHECK(time_meant(text, now) == now - span);
  }
}

TEST_CASE("a date or a time of day is meant in UTC, whatever now is") {
  const InJapan zone;
  for (const auto& [text, meant] : std::initializer_list<std::pair<const char*, std::int64_t>>{
           {"2026-11-28", midnight},
           {"2026-11-28T00:00", midnight},
           {"2026-11-28T02:14", midnight + 2 * hour + 14 * minute},
           {"2026-11-28T02:14:07", midnight + 2 * hour + 14 * minute + 7 * second},
           {"2026-11-28T23:59:59Z", midnight + day - second},
           {"2028-02-29", 1'835'395'200'000},
           {"2026-11-28T02:14:61", midnight + 2 * hour + 15 * minute + second},
           {"2026-11-28T2:4", midnight + 2 * hour + 4 * minute},
           {"2026-1-2", 1'767'312'000'000},
           {"1970-01-01", 0},
           {"1969-12-31T23:59", -minute}}) {
    CAPTURE(text);
    CHECK(time_meant(text, now) == meant);
    CHECK(time_meant(text, 0) == meant);
  }
}

TEST_CASE("a time in UTC is a number of seconds since 1970") {
  CHECK(seconds_of("2026-11-28T02:14:07Z") == (midnight + 2 * hour + 14 * minute + 7 * second) / second);
  CHECK(seconds_of("1969-12-31T23:59:59Z") == -1);
  CHECK_FALSE(seconds_of("2h"));
}

TEST_CASE("what was written is read as the same time") {
  for (const auto time : {std::int64_t{0}, midnight, midnight + 86'399 * second, 1'835'395'200'000})
    CHECK(time_meant(utc_of(time), now) == time);
}

TEST_CASE("anything else is not a time") {
  for (const std::string text : {"",
                                 "2026-02-31",
                                 "2027-02-29",
                                 "2026-04-31T12:00",
                                 "m",
                                 "30",
                                 "-5m",
                                 "+5m",
                                 " 5m",
                                 "5 m",
                                 "5m ",
                                 "5.5h",
                                 "5M",
                                 "5s",
                                 "5y",
                                 "5mm",
                                 "1h30m",
                                 "0x5m",
                                 "10001m",
                                 "99999999999999999999d",
                                 "now",
                                 "yesterday",
                                 "2026",
                                 "2026-11",
                                 "2026-13-01",
                                 "2026-00-01",
                                 "2026-11-32",
                                 "2026-11-28T",
                                 "2026-11-28T02",
                                 "2026-11-28T24:00",
                                 "2026-11-28T02:60",
                                 "2026-11-28T02:14:07+01:00",
                                 "2026-11-28T02:14:07.5Z",
                                 "2026-11-28T02:14:07ZZ",
                                 "2026-11-28T02:14:62",
                                 "2026-11-28T23:59:60",
                                 "2026-11-28Z",
                                 "2026-011-28",
                                 "2026--1-28",
                                 "2026-11-2x",
                                 "+026-11-28",
                                 "Z",
                                 "2026-11-28 02:14",
                                 "2026-11-28x",
                                 " 2026-11-28",
                                 "\t2026-11-28T02:14",
                                 "2026- 11-28",
                                 "2026-+1-28",
                                 "+2026-11-28",
                                 "28.11.2026",
                                 "11/28/2026",
                                 "1795824000"}) {
    CAPTURE(text);
    CHECK_FALSE(time_meant(text, now));
  }
  CHECK_FALSE(time_meant(std::string(100'000, '9'), now));
  CHECK_FALSE(time_meant(std::string("2026-11-28\0", 11), now));
  CHECK_FALSE(time_meant(std::string("2026-11-28\0x", 12), now));
  CHECK_FALSE(time_meant(std::string("2026-11-28T02:14\0:07", 20), now));
}
