#pragma once
#include <optional>
#include <string>

#include "server/doctor/result.hpp"

namespace server::doctor {

// What the service's user may do in the depot. All texts raw.
struct RightsReading {
  std::string depot;          // its directory
  std::string no_depot;       // why there is none that can be entered; empty where there is one
  bool missing = false;       // then: nothing is there at all
  std::string asks, service;  // who asks, and whom the server runs as; empty where that is nobody
  bool is_service = false;    // this process can do what the service can
  bool stays_root = false;    // a server that root starts would stay root, or not start
  std::optional<std::string> closed_folder, closed_image;  // the first that it may not use, or read
};
// Pure.
Result judge_rights(const RightsReading& reading);

}  // namespace server::doctor
