#include "server/syslog/limits.hpp"

#include <algorithm>
#include <utility>

#include "conf/settings.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/networks.hpp"

namespace server {
namespace {

using event::SyslogLimit;

// A burst is as much as two seconds allow: a controller sends what it logged while its link was down at once.
constexpr double burst_seconds = 2;
constexpr std::chrono::seconds quiet{2};

}  // namespace

bool SyslogLimits::Bucket::takes(double rate, Clock::time_point now) {
  const std::chrono::duration<double> passed = now - std::exchange(at, now);
  lines = std::max(0.0, lines - passed.count() * rate);
  if (lines + 1 > burst_seconds * rate) return false;
  lines += 1;
  return true;
}

std::optional<SyslogLimit> SyslogLimits::knock(const net::ip::address& client, const conf::Syslog& settings,
                                               Clock::time_point now) {
  if (!is_in(plain(client), settings.allow)) return SyslogLimit::not_allowed;
  auto source = client_network(client);
  if (clients_.size() >= most_remembered && !clients_.contains(source)) {
    forget_the_quiet(now);
    if (clients_.size() >= most_remembered) source = net::ip::address();
  }
  if (!clients_[source].takes(settings.max_lines_per_second, now)) return SyslogLimit::lines_per_second;
  if (!all_.takes(settings.max_lines_per_second_in_all, now)) return SyslogLimit::lines_per_second_in_all;
  return {};
}

// At most once in that time: forged addresses may be many.
void SyslogLimits::forget_the_quiet(Clock::time_point now) {
  if (now - forgot_ < quiet) return;
  forgot_ = now;
  std::erase_if(clients_, [now](const auto& each) { return now - each.second.at > quiet; });
}

}  // namespace server
