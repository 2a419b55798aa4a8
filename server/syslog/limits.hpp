#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>

#include "server/events/syslog.hpp"
#include "server/loop/net.hpp"

namespace conf {
struct Syslog;
}  // namespace conf

namespace server {

// Who may send lines, and how many: of each address (a /64 in IPv6) and in all. Bookkeeping alone: no socket,
// clock or log. Lives on the loop.
class SyslogLimits {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t most_remembered = 10'000;  // addresses; those beyond are one together

  // Looks at the address alone, before anything of a line is read. Nothing: it is read.
  std::optional<event::SyslogLimit> knock(const net::ip::address& client, const conf::Syslog& settings,
                                          Clock::time_point now);
  std::size_t remembered() const { return clients_.size(); }

 private:
  // Leaks so many lines a second.
  struct Bucket {
    double lines = 0;
    Clock::time_point at{};
    bool takes(double rate, Clock::time_point now);
  };
  void forget_the_quiet(Clock::time_point now);

  std::map<net::ip::address, Bucket> clients_;  // by client_network()
  Bucket all_;
  Clock::time_point forgot_{};
};

}  // namespace server
