#pragma once
#include <string>
#include <vector>

#include "server/doctor/result.hpp"

namespace conf {
enum class Compatibility;
}  // namespace conf

namespace server::doctor {

// A device that had no algorithm of SSH in common with the server, as the history has it: escaped.
struct RefusedForAlgorithms {
  std::string client;
  std::string offer;          // "kex algorithm: diffie-hellman-group1-sha1"
  bool needs_legacy = false;  // ssh.compatibility: legacy has what it takes
};

// Of `refused`, the newest last, each device once, but for those that `compatibility` lets in by now. Pure.
Result judge_algorithms(const std::vector<RefusedForAlgorithms>& refused, conf::Compatibility compatibility);

}  // namespace server::doctor
