#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "server/doctor/result.hpp"

namespace server::doctor {

// This host's clock, and the file of images/ that was written last.
struct ClockReading {
  using Time = std::chrono::sys_seconds;
  std::optional<bool> kept;  // by NTP or the like; nothing where the system does not say
  Time now;
  std::string newest;  // "/EWC/17_9_4a/ap1g8", raw; empty where there is none
  Time written;        // when
};
// Pure.
Result judge_clock(const ClockReading& reading);

}  // namespace server::doctor
