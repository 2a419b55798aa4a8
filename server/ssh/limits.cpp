#include "server/ssh/limits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "conf/early_drop.hpp"
#include "conf/ssh.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/networks.hpp"
#include "server/loop/shares.hpp"

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
constexpr std::size_t most_vouched = 1000;  // accounts of one address
constexpr int most_forgiven = 20;           // failures of an account between two of its logins

// Above this many, penalties are forgotten, too.
constexpr std::size_t most_remembered = 20'000;
constexpr auto tell_again = 10s;
constexpr unsigned most_told = 20;  // in that time, of all addresses together

// Of what is left above `start`, an address gets this part at most: many silent addresses leave room, too.
constexpr std::size_t part_of_the_rest = 8;
// Where networks are trusted, this part of all sessions is theirs.
constexpr std::uint32_t part_of_the_trusted = 10;

// Of all sessions: how many those have who are not trusted.
std::size_t most_sessions(const conf::Ssh& settings) {
  const auto kept = settings.trusted.empty() ? 0 : settings.max_sessions / part_of_the_trusted;
  return settings.max_sessions - kept;
}

// sshd's should_drop_connection(): from `rate` percent at `start` to all at `full`. But dice fall only on
// whoever has some already (`own`), or silent connections of a few addresses would keep strangers out.
bool drops_early(const conf::EarlyDrop& limit, std::size_t unauthenticated, std::size_t own,
                 unsigned chance) {
  if (unauthenticated < limit.start) return false;
  if (unauthenticated >= limit.full) return true;
  if (own == 0) return false;
  if (own * part_of_the_rest >= limit.full - unauthenticated) return true;
  const auto above = unauthenticated - limit.start;
  return chance < limit.rate + (100 - limit.rate) * above / (limit.full - limit.start);
}

}  // namespace

bool SshLimits::Client::quiet(Clock::time_point now) const {
  return connections == 0 && penalty_ends <= now && !is_vouched(now) && now - failed_at > 1min &&
         untold == 0 && now - told_at > tell_again;
}

bool SshLimits::Client::is_vouched(Clock::time_point now) const {
  return std::ranges::any_of(vouched, [now](const auto& each) { return each.second.until > now; });
}

// Of a failure as `user`. Anybody who knows of an account that logs in from here may guess its password, but
// only so often.
bool SshLimits::Client::forgives(const std::string& user, Clock::time_point now) {
  const auto place = vouched.find(user);
  return place != vouched.end() && place->second.until > now && ++place->second.forgiven <= most_forgiven;
}

SshLimits::Client& SshLimits::client_at(const net::ip::address& address, Clock::time_point now) {
  sweep_.step(clients_, [&](const Client& each) {
    return each.quiet(now) || (clients_.size() >= most_remembered && each.connections == 0);
  });
  return clients_[client_network(address)];
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
  if (client.penalised && !client.is_vouched(now)) return SshLimit::penalty;
  const auto most = most_sessions(settings);
  if (connections_ >= most) return SshLimit::sessions;
  if (client.connections >= settings.max_sessions_per_address) return SshLimit::sessions_per_address;
  if (!leaves_enough(client.connections, most - connections_, most)) return SshLimit::sessions;
  if (client.unauthenticated >= settings.max_unauthenticated_per_address)
    return SshLimit::unauthenticated_per_address;
  if (drops_early(settings.max_unauthenticated, unauthenticated_, client.unauthenticated, chance))
    return SshLimit::unauthenticated;
  return {};
}

SshLimits::Refusal SshLimits::refuse(Client& client, SshLimit limit, Clock::time_point now) {
  if (!may_tell(client, now)) {
    ++client.untold;
    return Refusal{};
  }
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

// The first session from an address is always granted: an attacker who has a shared account must not lock out
// the others who use it. The connection that asks is one of `connections_` already.
bool SshLimits::has_room(const net::ip::address& address, const std::string& user,
                         const conf::Ssh& settings) const {
  const auto client = clients_.find(client_network(address));
  const auto sessions = sessions_of_.find(user);
  if (client == clients_.end() || sessions == sessions_of_.end()) return true;
  if (client->second.connections <= 1 || is_in(plain(address), settings.trusted)) return true;
  const auto most = most_sessions(settings);
  return leaves_enough(sessions->second, most - std::min(most, connections_) + 1, most);
}

void SshLimits::logged_in(const net::ip::address& address, const std::string& user, Clock::time_point now) {
  auto& client = clients_[client_network(address)];
  if (client.vouched.size() >= most_vouched)
    std::erase_if(client.vouched, [now](const auto& each) { return each.second.until <= now; });
  if (client.vouched.size() < most_vouched || client.vouched.contains(user))
    client.vouched[user] = {now + vouched_for};
  ++sessions_of_[user];
  --client.unauthenticated, --unauthenticated_;
}

bool SshLimits::judges(const net::ip::address& address, const std::string& user,
                       Clock::time_point now) const {
  const auto place = clients_.find(client_network(address));
  if (place == clients_.end() || !place->second.penalised || place->second.penalty_ends <= now) return true;
  const auto vouched = place->second.vouched.find(user);
  return vouched != place->second.vouched.end() && vouched->second.until > now;
}

Clock::duration SshLimits::failed(const net::ip::address& address, int tries, const conf::Ssh& settings,
                                  Clock::time_point now) {
  auto& client = clients_[client_network(address)];
  const std::chrono::duration<double> passed = now - std::exchange(client.failed_at, now);
  client.failures = std::max(0.0, client.failures - passed / failure_lasts);
  const auto before =
      is_in(plain(address), settings.trusted) ? 0 : static_cast<std::size_t>(std::ceil(client.failures));
  client.failures = std::min(client.failures + 1, double{delays.size()});
  const auto place = std::max(static_cast<std::size_t>(std::max(tries - 1, 0)), before);
  return delays[std::min(place, delays.size() - 1)];
}

std::optional<SshLimits::Penalty> SshLimits::left(const net::ip::address& address,
                                                  std::optional<Offence> offence, const std::string& user,
                                                  const conf::Ssh& settings, Clock::time_point now) {
  gone(address, offence ? nullptr : &user);  // without one logged_in() was called
  if (!offence || is_in(plain(address), settings.trusted)) return {};
  auto& client = clients_[client_network(address)];
  if (*offence == Offence::failed_login ? client.forgives(user, now) : client.is_vouched(now)) return {};
  if (client.penalty_ends <= now) client.penalised = false;
  client.penalty_ends =
      std::min(std::max(client.penalty_ends, now) + penalty_for(*offence), now + most_penalty);
  client.offence = *offence;
  const auto period = std::chrono::ceil<std::chrono::seconds>(client.penalty_ends - now);  // as sshd counts
  if (client.penalised || period < least_penalty) return {};
  client.penalised = true;
  return Penalty{*offence, period};
}

void SshLimits::gone(const net::ip::address& address, const std::string* user) noexcept {
  const auto sessions = user ? sessions_of_.find(*user) : sessions_of_.end();
  if (sessions != sessions_of_.end() && --sessions->second == 0) sessions_of_.erase(sessions);
  const auto place = clients_.find(client_network(address));
  if (place == clients_.end()) return;
  auto& client = place->second;
  --client.connections, --connections_;
  if (!user) --client.unauthenticated, --unauthenticated_;
}

}  // namespace server
