#pragma once
#include <cstdint>
#include <string>

#include "server/events.hpp"
#include "server/net.hpp"
#include "server/noise_count.hpp"

namespace server {

// Keeps noisy clients of TFTP from filling the log: of each kind of failure an address has so many told in
// full in ten seconds, and the rest as a number at their end. Lives on the loop.
class NoisyClients {
 public:
  using Kind = event::Noise;

  NoisyClients(net::io_context& loop, const Events& events) : events_(events), timer_(loop) {}

  bool may_tell(const std::string& address, std::uint64_t number, Kind kind);

 private:
  void sum_up_later();

  const Events& events_;
  net::steady_timer timer_;
  NoiseCount count_;
};

}  // namespace server
