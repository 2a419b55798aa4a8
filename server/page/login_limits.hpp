#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>

#include "server/loop/net.hpp"

namespace server {

// How often somebody may try to log in on the page: so many failures of an address (a /64 in IPv6) in a
// minute, then none for a time that doubles; and so many of all addresses. Addresses are locked out, never
// accounts: who guesses keeps nobody else away. Bookkeeping alone; on the loop.
class LoginLimits {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t most_each = 5, most = 60;  // in a minute
  static constexpr std::chrono::seconds period{60}, first_pause{60}, longest_pause{15 * 60};

  // A try begins, and counts as a failure until succeeded(): many at once are no way round, and neither is an
  // account of one's own, for its login takes back no other failure. Otherwise how long the address has to
  // wait. `trusted`: it need not.
  std::optional<std::chrono::seconds> begin(const net::ip::address& address, bool trusted,
                                            Clock::time_point now);
  void succeeded(const net::ip::address& address);

 private:
  struct Source {
    Clock::time_point began, barred_until;
    std::chrono::seconds pause{0};
    std::size_t failures = 0;
  };
  Source& source_of(const net::ip::address& address, Clock::time_point now);

  std::map<net::ip::address, Source> sources_;
  Clock::time_point began_;
  std::size_t failures_ = 0;  // of all
};

}  // namespace server
