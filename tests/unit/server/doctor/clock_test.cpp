#include "server/doctor/clock.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;
using namespace std::chrono_literals;

TEST_CASE("a clock that nothing keeps, or that is older than an image, is to look at") {
  const ClockReading::Time now{1000h};
  CHECK(judge_clock({true, now, "/ap1g8", now + 60s}).state() == State::ok);
  CHECK(judge_clock({true, now, "", {}}).state() == State::ok);
  const auto ahead = judge_clock({true, now, "/ap1g8", now + 61s});
  CHECK(ahead.state() == State::look);
  CHECK(ahead.findings().front().found.starts_with("/ap1g8 was written 61 s in the future"));
  CHECK(judge_clock({false, now, "", {}}).findings().front().fix == "timedatectl set-ntp true");
  CHECK(judge_clock({std::nullopt, now, "", {}}).state() == State::unknown);
}
