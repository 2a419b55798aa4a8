#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>

#include "conf/settings.hpp"
#include "server/events.hpp"
#include "server/net.hpp"

namespace server {

// Who may start a transfer now. Counts per address; lives on the loop.
class TftpLimits {
 public:
  using Clock = std::chrono::steady_clock;

  // Nothing: it may, and left() must be called when the transfer has ended.
  std::optional<event::Limit> enter(const net::ip::address& client, const conf::Tftp& settings,
                                    Clock::time_point now);
  void left(const net::ip::address& client);
  std::size_t remembered() const { return clients_.size(); }

 private:
  struct Client {
    std::size_t transfers = 0;
    double requests = 0;  // a bucket that leaks max_requests_per_second
    Clock::time_point at;
  };

  void forget_the_quiet(Clock::time_point now);

  std::size_t transfers_ = 0;
  std::map<net::ip::address, Client> clients_;
  Clock::time_point forgot_;
};

}  // namespace server
