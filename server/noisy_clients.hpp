#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "server/events.hpp"
#include "server/net.hpp"

namespace server {

// Keeps one noisy client from filling the log: of each kind of failure an address has so many told in full in
// ten seconds, and the rest as a number at their end. Lives on the loop.
class NoisyClients {
 public:
  using Kind = event::Noise;

  NoisyClients(net::io_context& loop, const Events& events) : events_(events), timer_(loop) {}

  bool may_tell(const std::string& address, std::uint64_t number, Kind kind);

 private:
  struct Heard {
    std::uint64_t number = 0;  // of the last request
    std::array<std::uint64_t, event::noise_kinds> told{}, untold{};
  };

  void sum_up_later();
  void sum_up();

  const Events& events_;
  net::steady_timer timer_;
  std::map<std::string, Heard> heard_;  // in the present ten seconds
};

}  // namespace server
