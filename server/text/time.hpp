#pragma once
#include <chrono>
#include <string>

namespace server {

// RFC 3339 in UTC, whole seconds: "2026-11-28T02:14:07Z". Pure.
std::string utc(std::chrono::system_clock::time_point time);

}  // namespace server
