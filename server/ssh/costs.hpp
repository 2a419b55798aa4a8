#pragma once
#include <chrono>
#include <map>

#include "server/loop/net.hpp"

namespace server {

// Which addresses make libssh compute for long, by exchanging keys above all. What they send is read by
// workers for a while, so that forty of their connections cost the loop one long turn and not forty.
// Bookkeeping alone. Lives on the loop.
class SshCosts {
 public:
  using Clock = std::chrono::steady_clock;

  // Reading once what `source` sent took so long, whoever did it.
  void took(const net::ip::address& source, Clock::duration time, Clock::time_point now);
  bool are_high(const net::ip::address& source, Clock::time_point now) const;

  std::size_t remembered() const { return high_until_.size(); }

 private:
  std::map<net::ip::address, Clock::time_point> high_until_;
};

}  // namespace server
