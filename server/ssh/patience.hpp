#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace server {

// How long one SSH connection may stand still: while it does not take what is sent, while it does not go on
// with a key exchange or a packet, and while nothing comes at all. Bookkeeping alone: no socket, no clock, no
// log.
class SshPatience {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::minutes for_reading{2}, for_an_exchange{2}, for_a_packet{2}, for_a_word{60};

  struct Seen {
    std::uint64_t packets = 0;  // that came since the connection began
    std::uint64_t sent = 0;     // bytes that the kernel has taken since then
    bool pending = false;       // there are more to be sent
    bool logged_in = false;     // until then ssh.login_grace bounds everything
    bool exchanging = false;    // keys are being exchanged
    bool amid = false;          // a packet has begun to come, and is not whole
  };
  // Now and then, at least every half minute. Why the connection must end, if it must.
  std::optional<std::string> look(const Seen& seen, Clock::time_point now);

 private:
  std::uint64_t packets_ = 0, sent_ = 0;
  bool seen_ = false;
  Clock::time_point heard_at_, sent_at_, whole_at_, amid_at_;
};

}  // namespace server
