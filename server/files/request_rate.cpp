#include "server/files/request_rate.hpp"

#include <algorithm>
#include <utility>

#include "conf/tftp.hpp"
#include "server/events/tftp.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/networks.hpp"

namespace server {
namespace {

using event::Limit;

// Forged addresses may be many.
constexpr std::size_t most_remembered = 100'000;
// A burst is as much as two seconds allow: a thousand access points behind one address start at once.
// Who asked for nothing in that time may do so again, and need not be remembered.
constexpr std::chrono::seconds burst{2};

}  // namespace

std::optional<Limit> RequestRate::bar(const net::ip::address& address, const conf::Tftp& settings) {
  if (is_in(plain(address), settings.deny)) return Limit::denied;
  if (!settings.allow.empty() && !is_in(plain(address), settings.allow)) return Limit::not_allowed;
  return {};
}

std::optional<Limit> RequestRate::knock(const net::ip::address& address, const conf::Tftp& settings,
                                        Clock::time_point now) {
  if (const auto barred = bar(address, settings)) return barred;
  sweep_.step(clients_, [&](const Client& each) {
    return now - each.at > burst || clients_.size() >= most_remembered;
  });
  auto& client = clients_[client_network(address)];
  const double rate = settings.max_requests_per_second;
  const std::chrono::duration<double> passed = now - std::exchange(client.at, now);
  client.requests = std::max(0.0, client.requests - passed.count() * rate);
  if (client.requests + 1 > static_cast<double>(burst.count()) * rate) return Limit::requests_per_second;
  client.requests += 1;
  return {};
}

}  // namespace server
