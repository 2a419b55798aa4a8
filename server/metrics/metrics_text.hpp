#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "server/loop/meter.hpp"
#include "server/metrics/tally.hpp"

namespace server {

// What is so now, beside what has happened.
struct Gauges {
  std::string version;
  double started_at = 0;                              // seconds since 1970
  std::map<std::string_view, std::uint64_t> running;  // transfers by protocol
  std::uint64_t stalled = 0, sessions = 0;
  std::optional<std::uint64_t> releases;  // nothing: not counted yet
  LoopTurns turns;
  // Nothing, or none, where nobody has looked yet.
  std::optional<std::uint64_t> free = {};  // bytes of the depot's file system
  std::optional<double> last_import = {};  // seconds since 1970
  std::optional<std::uint64_t> unverified = {};
  std::map<std::string_view, std::uint64_t> devices = {};  // by kind
  std::map<std::string_view, std::uint64_t> rollout = {};  // of the release `goal`, by status
  std::map<std::string_view, std::uint64_t> health = {};   // checks by what they found
  std::string goal = {};                                   // escaped
};

// For Prometheus: OpenMetrics 1.0, or its older text format. Pure.
std::string metrics_text(const Tally& tally, const Gauges& gauges, bool open_metrics);

}  // namespace server
