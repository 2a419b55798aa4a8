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

// Above this many, addresses that did nothing lately are forgotten.
constexpr std::size_t most_remembered = 20'000;
// A burst is as much as two seconds allow: a thousand access points behind one address start at once.
constexpr double burst_seconds = 2;

}  // namespace

std::optional<Limit> RequestRate::knock(const net::ip::address& address, const conf::Tftp& settings,
                                        Clock::time_point now) {
  if (is_in(plain(address), settings.deny)) return Limit::denied;
  if (!settings.allow.empty() && !is_in(plain(address), settings.allow)) return Limit::not_allowed;
  if (clients_.size() >= most_remembered) forget_the_quiet(now);
  auto& client = clients_[client_network(address)];
  const double rate = settings.max_requests_per_second;
  const std::chrono::duration<double> passed = now - std::exchange(client.at, now);
  client.requests = std::max(0.0, client.requests - passed.count() * rate);
  if (client.requests + 1 > burst_seconds * rate) return Limit::requests_per_second;
  client.requests += 1;
  return {};
}

// At most once in that time: forged addresses may be many.
void RequestRate::forget_the_quiet(Clock::time_point now) {
  const auto quiet =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(burst_seconds));
  if (now - forgot_ < quiet) return;
  forgot_ = now;
  std::erase_if(clients_, [&](const auto& each) { return now - each.second.at > quiet; });
}

}  // namespace server
