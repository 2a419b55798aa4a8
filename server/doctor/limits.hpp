#pragma once
#include <cstdint>
#include <optional>
#include <system_error>

#include "server/doctor/result.hpp"
#include "server/os/kernel.hpp"

namespace server::doctor {

// What the system allows, and what it ran out of.
struct LimitsReading {
  std::optional<std::uint64_t> descriptors;  // of the running server; nothing without one
  std::uint64_t sessions = 0;                // ssh.max_sessions
  std::error_code no_watch;                  // why one more folder cannot be watched
  std::optional<UdpCount> udp;
};
// Pure.
Result judge_limits(const LimitsReading& reading);

}  // namespace server::doctor
