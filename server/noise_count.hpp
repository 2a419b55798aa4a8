#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "server/events.hpp"

namespace server {

// What NoisyClients has told in the present ten seconds. Bookkeeping alone: no socket, clock or log. Lives on
// the loop.
class NoiseCount {
 public:
  using Kind = event::Noise;

  // Of each kind an address (of IPv6 a /64) has so many told in full, and all of them together: source
  // addresses are easily forged.
  bool may_tell(const std::string& address, std::uint64_t number, Kind kind);
  // What was not, the noisiest first; a new period begins.
  std::vector<event::TftpNoise> sum_up(std::chrono::seconds period);

  std::size_t remembered() const { return heard_.size(); }

 private:
  struct Heard {
    std::uint64_t number = 0;  // of the last request
    std::array<std::uint64_t, event::noise_kinds> told{}, untold{};
  };

  std::map<std::string, Heard> heard_;
  std::array<std::uint64_t, event::noise_kinds> told_{};
};

}  // namespace server
