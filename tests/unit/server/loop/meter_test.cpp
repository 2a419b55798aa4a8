#include "server/loop/meter.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using server::LoopMeter;

namespace {

// A loop whose clocks the test turns.
struct Loop {
  LoopMeter meter;
  LoopMeter::Clock::time_point now{};
  std::chrono::nanoseconds used{0};
  int readings = 0;

  Loop() { meter.begin(now, used); }
  void turn(std::chrono::nanoseconds cpu, std::chrono::nanoseconds asleep = 0ns) {
    now += asleep + cpu;
    used += cpu;
    meter.turn_ended(now, [this] {
      ++readings;
      return used;
    });
  }
};

}  // namespace

TEST_CASE("a long turn is found, wherever it stands among short ones, and sleep does not count") {
  Loop loop;
  for (int i = 0; i < 100; ++i) loop.turn(10us);
  loop.turn(7ms);
  for (int i = 0; i < 100; ++i) loop.turn(10us, 1s);
  const auto& measured = loop.meter.measured();
  CHECK(measured.longest >= 7ms);
  CHECK(measured.longest <= 7ms + LoopMeter::closely);
  CHECK(measured.counts[5] == 1);  // of 5 to 10 ms
  CHECK(measured.total() == 201);
  CHECK(measured.counts[0] == 200);
}

TEST_CASE("short turns share a reading of the CPU clock") {
  Loop loop;
  for (int i = 0; i < 1000; ++i) loop.turn(5us);
  CHECK(loop.readings == 20);
}

TEST_CASE("the longest turns have no bound") {
  Loop loop;
  loop.turn(21ms);
  loop.turn(1h);
  CHECK(loop.meter.measured().counts.back() == 2);
}
