#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace server {

// Counts the packets of one SSH connection that libssh answers or drops by itself: they reach nobody, so no
// other bound holds them. Clients send some (window adjusts, keep-alives, padding), but few for what they
// get. Bookkeeping alone: no socket, no clock, no log.
class SshChatter {
 public:
  using Clock = std::chrono::steady_clock;

  struct Seen {                 // since the connection began
    std::uint64_t packets = 0;  // that came, of every kind
    std::uint64_t taken = 0;    // of these: that reached us as a message or a channel's data
    std::uint64_t sent = 0;     // bytes to the client: each may be worth a window adjust
    bool logged_in = false;
    bool exchanging = false;  // keys are being exchanged
  };
  // Why the connection must end, if it must.
  std::optional<std::string> look(const Seen& seen, Clock::time_point now);

 private:
  std::uint64_t packets_ = 0, sent_ = 0;  // at the last look; packets without those that were taken
  std::uint64_t exchange_began_ = 0;
  bool logged_in_ = false, exchanging_ = false;
  double room_ = 0;
  Clock::time_point looked_;
};

}  // namespace server
