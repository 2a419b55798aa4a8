#include "server/ssh_limits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "server/networks.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = SshLimits::Clock;
using event::Offence;
using event::SshLimit;

constexpr std::array<Clock::duration, 5> delays{0ms, 500ms, 1s, 2s, 4s};
constexpr auto failure_lasts = 10s;  // then it counts no more for the next delay

// sshd's PerSourcePenalties. One that is shorter than the least only adds up.
constexpr auto least_penalty = 15s, most_penalty = 600s;
constexpr Clock::duration penalty_for(Offence offence) {
  switch (offence) {
    case Offence::failed_login:
      return 5s;
    case Offence::no_login:
      return 1s;
    case Offence::login_grace:
      break;
  }
  return 10s;
}
constexpr auto vouched_for = 1h;

// Above this many, addresses with nothing to remember are forgotten, and should that not do, so are
// penalties.
constexpr std::size_t most_remembered = 20'000;
constexpr auto tell_again = 10s;
constexpr unsigned most_told = 20;  // in that time, of all addresses together

// sshd's should_drop_connection(): from `rate` percent at `start` to all at `full`.
bool drops_early(const conf::EarlyDrop& limit, std::size_t unauthenticated, unsigned chance) {
  if (unauthenticated < limit.start) return false;
  if (unauthenticated >= limit.full) return true;
  const auto above = unauthenticated - limit.start;
  return chance < limit.rate + (100 - limit.rate) * above / (limit.full - limit.start);
}

// An IPv6 host has 2^64 addresses to its name: what counts is its network (RFC 6177), but all neighbours of a
// link share that of the link-local ones.
net::ip::address source(const net::ip::address& address) {
  if (address.is_v4() || address.to_v6().is_v4_mapped() || address.to_v6().is_link_local()) return address;
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return net::ip::address_v6(bytes, address.to_v6().scope_id());
}

}  // namespace

bool SshLimits::Client::quiet(Clock::time_point now) const {
  return connections == 0 && penalty_ends <= now && vouched_until <= now && now - failed_at > 1min &&
         now - told_at > tell_again;
}

SshLimits::Client& SshLimits::client_at(const net::ip::address& address, Clock::time_point now) {
  if (clients_.size() >= most_remembered) forget_the_quiet(now);
  return clients_[source(address)];
}

std::optional<SshLimits::Refusal> SshLimits::enter(const net::ip::address& address, const conf::Ssh& settings,
                                                   unsigned chance, Clock::time_point now) {
  auto& client = client_at(address, now);
  const bool trusted = is_in(plain(address), settings.trusted);
  if (const auto limit = limit_for(client, trusted, settings, chance, now))
    return refuse(client, *limit, now);
  ++client.connections, ++connections_;
  ++client.unauthenticated, ++unauthenticated_;
  return {};
}

std::optional<SshLimit> SshLimits::limit_for(Client& client, bool trusted, const conf::Ssh& settings,
                                             unsigned chance, Clock::time_point now) const {
  if (client.penalty_ends <= now) client.penalised = false;
  if (connections_ >= settings.max_sessions) return SshLimit::sessions;
  if (trusted) return {};
  if (client.penalised && client.vouched_until <= now) return SshLimit::penalty;
  if (client.connections >= settings.max_sessions_per_address) return SshLimit::sessions_per_address;
  if (client.unauthenticated >= settings.max_unauthenticated_per_address)
    return SshLimit::unauthenticated_per_address;
  if (drops_early(settings.max_unauthenticated, unauthenticated_, chance)) return SshLimit::unauthenticated;
  return {};
}

SshLimits::Refusal SshLimits::refuse(Client& client, SshLimit limit, Clock::time_point now) {
  if (!may_tell(client, now)) return ++client.untold, Refusal{};
  return {Drop{limit, client.offence, unauthenticated_, std::exchange(client.untold, 0)}};
}

bool SshLimits::may_tell(Client& client, Clock::time_point now) {
  if (client.told_at != Clock::time_point{} && now - client.told_at < tell_again) return false;
  if (now - telling_since_ >= tell_again) {
    telling_since_ = now;
    told_ = 0;
  }
  if (told_ >= most_told) return false;
  ++told_;
  client.told_at = now;
  return true;
}

void SshLimits::logged_in(const net::ip::address& address, Clock::time_point now) {
  auto& client = clients_[source(address)];
  --client.unauthenticated, --unauthenticated_;
  client.vouched_until = now + vouched_for;
}

Clock::duration SshLimits::failed(const net::ip::address& address, int tries, const conf::Ssh& settings,
                                  Clock::time_point now) {
  auto& client = clients_[source(address)];
  const std::chrono::duration<double> passed = now - std::exchange(client.failed_at, now);
  client.failures = std::max(0.0, client.failures - passed / failure_lasts);
  const auto before =
      is_in(plain(address), settings.trusted) ? 0 : static_cast<std::size_t>(std::ceil(client.failures));
  client.failures = std::min(client.failures + 1, double{delays.size()});
  const auto place = std::max(static_cast<std::size_t>(std::max(tries - 1, 0)), before);
  return delays[std::min(place, delays.size() - 1)];
}

std::optional<SshLimits::Penalty> SshLimits::left(const net::ip::address& address,
                                                  std::optional<Offence> offence, const conf::Ssh& settings,
                                                  Clock::time_point now) {
  auto& client = clients_[source(address)];
  --client.connections, --connections_;
  if (!offence) return {};  // then logged_in() was called
  --client.unauthenticated, --unauthenticated_;
  if (is_in(plain(address), settings.trusted) || client.vouched_until > now) return {};
  if (client.penalty_ends <= now) client.penalised = false;
  client.penalty_ends =
      std::min(std::max(client.penalty_ends, now) + penalty_for(*offence), now + most_penalty);
  client.offence = *offence;
  if (client.penalised || client.penalty_ends - now < least_penalty) return {};
  client.penalised = true;
  return Penalty{*offence, std::chrono::ceil<std::chrono::seconds>(client.penalty_ends - now)};
}

// At most once a second: a connection is cheap for whoever has many addresses.
void SshLimits::forget_the_quiet(Clock::time_point now) {
  if (now - forgot_ < 1s) return;
  forgot_ = now;
  std::erase_if(clients_, [&](const auto& each) { return each.second.quiet(now); });
  if (clients_.size() < most_remembered) return;
  std::erase_if(clients_, [&](const auto& each) { return each.second.connections == 0; });
}

}  // namespace server
