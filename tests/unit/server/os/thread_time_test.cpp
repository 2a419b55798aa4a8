#include "server/os/thread_time.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace std::chrono_literals;
using server::thread_time;

TEST_CASE("a thread's time grows with its own work, and not with another's") {
  const auto before = thread_time();
  std::chrono::nanoseconds at_start{}, at_end{};
  std::thread([&] {
    at_start = at_end = thread_time();
    // Bounded, so that a clock that stands still is a failure and not an endless loop.
    for (int i = 0; i < 100'000'000 && at_end - at_start < 50ms; ++i) at_end = thread_time();
  }).join();
  CHECK(at_end - at_start >= 50ms);
  CHECK(at_start < 50ms);
  CHECK(thread_time() >= before);
  CHECK(thread_time() - before < at_end - at_start);
}
