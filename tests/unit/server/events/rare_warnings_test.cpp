#include "server/events/rare_warnings.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace server;
using namespace std::chrono_literals;

TEST_CASE("a kind of warning is told once in ten seconds, whatever else its text says") {
  RareWarnings warnings;
  const RareWarnings::Clock::time_point start{1h};
  CHECK(warnings.tell("write", "a cannot be written", start) == "a cannot be written");
  CHECK_FALSE(warnings.tell("write", "b cannot be written", start + 1s));
  CHECK_FALSE(warnings.tell("write", "c cannot be written", start + 9s));
  CHECK(warnings.tell("read", "d cannot be read", start + 9s));
  CHECK(warnings.tell("write", "e cannot be written", start + 10s) == "e cannot be written (2 times more)");
  CHECK_FALSE(warnings.tell("write", "f cannot be written", start + 11s));
}

TEST_CASE("kinds that should not be so many are bounded") {
  RareWarnings warnings;
  int told = 0;
  for (int i = 0; i < 10'000; ++i)
    told += warnings.tell(fmt::format("kind {}", i), "text", RareWarnings::Clock::time_point(1h)) ? 1 : 0;
  CHECK(told == 100);
  CHECK(warnings.remembered() == 100);
}
