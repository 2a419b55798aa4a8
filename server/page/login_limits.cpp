#include "server/page/login_limits.hpp"

#include <algorithm>

#include "server/loop/client_network.hpp"

namespace server {
namespace {

// Those beyond share one place: forged addresses have no connection, but a /32 in IPv6 has many a /64.
constexpr std::size_t most_sources = 10'000;

std::chrono::seconds rest(LoginLimits::Clock::time_point until, LoginLimits::Clock::time_point now) {
  return std::chrono::ceil<std::chrono::seconds>(until - now);
}

}  // namespace

std::optional<std::chrono::seconds> LoginLimits::begin(const net::ip::address& address, bool trusted,
                                                       Clock::time_point now) {
  if (trusted) return {};
  auto& source = source_of(address, now);
  if (now < source.barred_until) return rest(source.barred_until, now);
  if (now - source.began >= period) {
    source.began = now;
    source.failures = 0;
  }
  if (source.failures >= most_each) {
    source.pause = source.pause.count() == 0 ? first_pause : std::min(2 * source.pause, longest_pause);
    source.barred_until = now + source.pause;
    source.failures = 0;
    return source.pause;
  }
  if (now - began_ >= period) {
    began_ = now;
    failures_ = 0;
  }
  if (failures_ >= most) return rest(began_ + period, now);
  ++failures_;
  ++source.failures;
  return {};
}

void LoginLimits::succeeded(const net::ip::address& address) {
  const auto found = sources_.find(client_network(address));
  if (found == sources_.end()) return;
  if (found->second.failures > 0) --found->second.failures;
  if (failures_ > 0) --failures_;
}

LoginLimits::Source& LoginLimits::source_of(const net::ip::address& address, Clock::time_point now) {
  const auto network = client_network(address);
  if (const auto found = sources_.find(network); found != sources_.end()) return found->second;
  if (sources_.size() >= most_sources)
    std::erase_if(sources_, [&](const auto& each) {
      const auto& [_, source] = each;
      return now >= source.barred_until + longest_pause && now - source.began >= period;
    });
  const bool full = sources_.size() >= most_sources;
  return sources_.try_emplace(full ? net::ip::address() : network, Source{now, {}, {}, 0}).first->second;
}

}  // namespace server
