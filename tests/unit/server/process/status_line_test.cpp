#include "server/process/status_line.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using server::StatusLine;

TEST_CASE("the status counts what runs, in words") {
  StatusLine status;
  const StatusLine::Clock::time_point start{1h};
  CHECK(status.next({3, 2, 2}, start) == "3 transfers, 2 sessions, 2 releases");
  CHECK(status.next({1, 1, 1}, start + 1min) == "1 transfer, 1 session, 1 release");
  CHECK(status.next({0, 0, {}}, start + 2min) == "0 transfers, 0 sessions");
}

TEST_CASE("the status is told only where it changed, and once in a pause") {
  StatusLine status;
  const StatusLine::Clock::time_point start{1h};
  CHECK(status.next({0, 0, 1}, start));
  CHECK_FALSE(status.next({1, 0, 1}, start + StatusLine::pause - 1ms));
  CHECK(status.next({1, 0, 1}, start + StatusLine::pause));
  CHECK_FALSE(status.next({1, 0, 1}, start + 2 * StatusLine::pause));
}
