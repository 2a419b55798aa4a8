#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include "server/doctor/result.hpp"

namespace server::doctor {

// A unit, as `systemctl show` has it.
struct Unit {
  std::string load, active, enabled;   // "loaded", "active", "enabled"; empty where nobody said
  std::uint64_t restarts = 0;          // by itself, since an administrator started it
  std::chrono::microseconds began{0};  // of the present run, on the clock that counts from the boot

  bool is_loaded() const { return load == "loaded"; }
  bool is_in_use() const { return is_loaded() && (active == "active" || enabled == "enabled"); }
};

// apdepot's units. `failure` says why they could not be asked for.
struct Units {
  Unit service, tftp, ssh, http, https;
  std::string failure;
};
Units read_units();
// Of what `systemctl show` prints for the five: blocks of NAME=VALUE with an empty line between. Pure.
Units units_in(const std::string& text);

// `now` is on the clock of Unit::began. Pure.
Result judge_service(const Units& units, std::chrono::microseconds now);

}  // namespace server::doctor
