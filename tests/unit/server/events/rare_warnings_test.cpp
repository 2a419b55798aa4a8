#include "server/events/rare_warnings.hpp"

#include <doctest/doctest.h>

#include "server/events/warning.hpp"

using namespace server;
using namespace std::chrono_literals;

TEST_CASE("a kind of warning is told once in ten seconds, whatever else its text says") {
  RareWarnings warnings;
  const RareWarnings::Clock::time_point start{1h};
  CHECK(warnings.tell(Warning::unwritable, "a cannot be written", start) == "a cannot be written");
  CHECK_FALSE(warnings.tell(Warning::unwritable, "b cannot be written", start + 1s));
  CHECK_FALSE(warnings.tell(Warning::unwritable, "c cannot be written", start + 9s));
  CHECK(warnings.tell(Warning::unreadable, "d cannot be read", start + 9s));
  CHECK(warnings.tell(Warning::unwritable, "e cannot be written", start + 10s) ==
        "e cannot be written (2 times more)");
  CHECK_FALSE(warnings.tell(Warning::unwritable, "f cannot be written", start + 11s));
}
