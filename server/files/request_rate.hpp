#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>

#include "server/loop/net.hpp"
#include "server/loop/sweep.hpp"

namespace conf {
struct Tftp;
}  // namespace conf

namespace server {

namespace event {
enum class Limit;
}

// Who may ask for an image without a login: tftp.allow, tftp.deny and tftp.max_requests_per_second, which
// counts an address (a /64 of IPv6). Bookkeeping alone: no socket, no clock, no log. Lives on the loop, one
// for each protocol.
class RequestRate {
 public:
  using Clock = std::chrono::steady_clock;

  // Why nobody there may ask at all. Nothing: they may.
  static std::optional<event::Limit> bar(const net::ip::address& client, const conf::Tftp& settings);
  // Looks at the address alone, before anything of the request is read. Nothing: it may ask.
  std::optional<event::Limit> knock(const net::ip::address& client, const conf::Tftp& settings,
                                    Clock::time_point now);
  std::size_t remembered() const { return clients_.size(); }

 private:
  struct Client {
    double requests = 0;  // a bucket that leaks max_requests_per_second
    Clock::time_point at;
  };
  std::map<net::ip::address, Client> clients_;  // by client_network()
  Sweep<net::ip::address> sweep_;
};

}  // namespace server
