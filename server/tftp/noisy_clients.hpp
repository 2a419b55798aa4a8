#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "server/events/noise_count.hpp"
#include "server/loop/net.hpp"

namespace server {

class Events;

// Keeps noisy clients of TFTP from filling the log: in ten seconds each cause and name is told once, and so
// many of an address; how often each came again is told at their end. Lives on the loop.
class NoisyClients {
 public:
  using Kind = event::Noise;

  NoisyClients(net::io_context& loop, const Events& events) : events_(events), timer_(loop) {}

  bool may_tell(const std::string& address, std::uint64_t number, Kind kind, std::string_view what);

 private:
  void sum_up_later();

  const Events& events_;
  net::steady_timer timer_;
  NoiseCount count_;
};

}  // namespace server
