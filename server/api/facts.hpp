#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/api/recent.hpp"
#include "server/api/rollout.hpp"
#include "server/api/running_reads.hpp"
#include "server/api/said.hpp"
#include "server/api/sources.hpp"
#include "server/api/verdict.hpp"
#include "server/events/protocol.hpp"

namespace server {

// What the status tells of the disk, the releases and the history. A plain value.
struct Facts {
  struct Room {
    std::uint64_t free = 0, total = 0;  // bytes
  };
  struct Today {
    std::int64_t whole = 0, partly = 0, broke_off = 0, misses = 0;
  };
  struct Goal {
    std::string release, version;
    std::int64_t imported = 0;  // milliseconds since 1970
    std::size_t have = 0, of = 0;
    std::array<std::size_t, rollout_statuses> counts{};
  };
  std::optional<Room> room;
  std::optional<Today> today;  // since midnight of this host; nothing without a history
  std::optional<Goal> goal;    // of the release that devices should have
  std::map<DeviceKind, std::size_t> devices;
  std::size_t never_seen = 0;           // expected devices that nobody ever saw
  std::uint64_t largest = 0;            // bytes of the largest release
  std::string oldest;                   // release that may be retired
  std::size_t unverified = 0;           // releases
  std::vector<Situation::Miss> misses;  // of the last 15 minutes, not fixed since
};

// Facts as they were some seconds ago. Reads them again on a worker where somebody asks and they are old.
// Lives on the loop.
class LatestFacts {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kept{10};

  LatestFacts(const ApiSources& sources, Said& said, RunningReads& reads)
      : sources_(sources), said_(said), reads_(reads) {}
  // Nothing before the first time.
  std::shared_ptr<const Facts> now();

 private:
  void read();

  const ApiSources& sources_;
  Said& said_;
  RunningReads& reads_;
  std::shared_ptr<const Facts> facts_;
  std::optional<Clock::time_point> begun_;
  std::weak_ptr<const void> reading_;  // expires when a reading ends, or breaks off because memory is short
};

constexpr std::chrono::minutes lately{15};
// Of what happened last: the misses of the last 15 minutes whose client has not got a file of that name
// since, and transfers that broke off and were not followed by a whole one. Pure.
struct AskedInVain {
  Situation::Miss miss;
  event::Protocol protocol = event::Protocol::tftp;
  std::string name;  // as it was asked for
};
std::vector<AskedInVain> open_misses(const Recent& recent, Recent::Clock::time_point now);
// What devices said in their own logs within the last 15 minutes, the newest of each: unless it has read that
// file whole since, or its request is among the misses. Pure.
std::vector<Situation::Heard> open_complaints(const Recent& recent, Recent::Clock::time_point now);
std::vector<Situation::Broken> open_ends(const Recent& recent, Recent::Clock::time_point now);

}  // namespace server
