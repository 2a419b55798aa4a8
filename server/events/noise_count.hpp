#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/events/tftp.hpp"

namespace server {

// What NoisyClients has told in the present ten seconds. Bookkeeping alone: no socket, clock or log. Lives on
// the loop.
class NoiseCount {
 public:
  using Kind = event::Noise;

  // Whether `what`, a cause and a name, is to be told in full: once, and of each kind so many for an address
  // (of IPv6 a /64) and for all of them together: source addresses are easily forged.
  bool may_tell(const std::string& address, std::uint64_t number, Kind kind, std::string_view what);
  // What was not, the noisiest first; a new period begins.
  std::vector<event::TftpNoise> sum_up(std::chrono::seconds period);

  std::size_t remembered() const { return heard_.size(); }

 private:
  struct Heard {
    std::uint64_t number = 0;                                                   // of the last request
    std::array<std::map<std::string, std::uint64_t>, event::noise_kinds> told;  // and how often again
    std::array<std::uint64_t, event::noise_kinds> untold{};  // repetitions, and what was one too many
  };
  static event::TftpNoise sum(const std::string& address, const Heard& heard, std::size_t place,
                              std::chrono::seconds period);

  std::map<std::string, Heard> heard_;
  std::array<std::uint64_t, event::noise_kinds> told_{};
};

}  // namespace server
