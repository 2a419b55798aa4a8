#include "server/tftp/limits.hpp"

#include <algorithm>
#include <utility>

#include "conf/tftp.hpp"
#include "server/events/tftp.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/shares.hpp"
#include "server/loop/succeeds.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using event::Limit;

// Two sockets and a file; an upload has its folders, too.
constexpr std::size_t descriptors_each = 3, descriptors_of_upload = 5;

// Without an ACK: a device that writes its flash takes less.
constexpr auto long_silence = 10s;
// Of the transfers that hang for longest, so many are compared: whoever asks in vain, again and again, must
// not make us look at all.
constexpr int most_compared = 64;
// The same of those that wait, which come as quickly as requests do.
constexpr int most_waiting_compared = 16;
// A client that is about to acknowledge its first packet. Several may share an address, and begin at once.
constexpr auto on_its_way = 100ms;
constexpr std::size_t most_heard = 4096;  // addresses that have answered

constexpr std::size_t half_of(std::size_t all) { return (all + 1) / 2; }

}  // namespace

std::expected<TftpLimits::Id, Limit> TftpLimits::enter(const net::ip::address& address,
                                                       const conf::Tftp& settings, std::size_t descriptors,
                                                       std::size_t free_ports) {
  const auto each = settings.uploads ? descriptors_of_upload : descriptors_each;
  const auto table = std::clamp<std::size_t>(descriptors / 2 / each, 1, settings.max_transfers);
  const auto source = client_network(address);
  const auto client = clients_.find(source);
  const bool is_known = client != clients_.end();
  const auto taken = is_known ? client->second.transfers : 0;
  auto most = table, free = table - std::min(places_.size(), table);
  // Forged requests may hold all ports, and give them away; of the table they have half at most.
  const auto given_away = waiting_.size() - (is_known ? client->second.waiting.size() : 0);
  if (free_ports < free) {
    free = std::min(free, free_ports + given_away);
    if (const auto& ports = settings.port_range)
      most = std::min(most, ports->last - ports->first + std::size_t{1});
  }
  if (taken >= settings.max_transfers_per_address || (taken > 0 && !leaves_enough(taken, free, most)))
    return std::unexpected(Limit::transfers_per_address);
  if (places_.size() >= table || unanswered_ >= half_of(table)) return std::unexpected(Limit::transfers);
  auto& counted = clients_[source];
  places_.emplace(last_ + 1, Place{source});
  ++counted.transfers;
  ++unanswered_;
  return ++last_;
}

std::optional<TftpLimits::Id> TftpLimits::gives_way(const net::ip::address& address, Limit limit,
                                                    Clock::time_point now, bool has_place) const {
  const auto client = clients_.find(client_network(address));
  const bool is_known = client != clients_.end();
  const bool own = limit == Limit::transfers_per_address && is_known;
  if (own && !client->second.waiting.empty()) {
    const auto oldest = *client->second.waiting.begin();
    if (now - places_.at(oldest).waits_since < on_its_way) return {};
    return oldest;
  }
  if (!own && !waiting_.empty()) return least_missed();
  const std::size_t present = has_place ? 1 : 0;
  // It is half of the table for who never answers that is full: to end another makes no room there.
  if (2 * (unanswered_ - present) >= places_.size() - present) return {};
  const bool has_others = is_known && client->second.transfers > present;
  std::optional<Id> found;
  std::size_t most = 0;
  int compared = 0;
  for (const auto& [since, id] : has_others ? client->second.hanging : hanging_) {
    if (now - since < long_silence || ++compared > most_compared) break;
    const auto transfers = clients_.at(places_.at(id).source).transfers;
    if (transfers > most) {
      most = transfers;
      found = id;
    }
  }
  return found;
}

// A device that is about to acknowledge its first packet would hear nothing any more.
std::optional<TftpLimits::Id> TftpLimits::least_missed() const {
  std::optional<Id> found;
  std::pair<std::size_t, bool> most;
  int compared = 0;
  for (const auto id : waiting_) {
    if (++compared > most_waiting_compared) break;
    const auto& source = places_.at(id).source;
    const std::pair unlikely(clients_.at(source).waiting.size(), !real_.contains(source));
    if (found && unlikely <= most) continue;
    found = id;
    most = unlikely;
  }
  return found;
}

void TftpLimits::remember(const net::ip::address& source) {
  if (const auto known = real_.find(source); known != real_.end())
    return heard_.splice(heard_.begin(), heard_, known->second);
  if (!succeeds([&] { heard_.push_front(source); })) return;
  const bool kept = succeeds([&] { real_.emplace(source, heard_.begin()); });
  if (!kept) return heard_.pop_front();
  if (heard_.size() <= most_heard) return;
  real_.erase(heard_.back());
  heard_.pop_back();
}

void TftpLimits::waits(Id place, Clock::time_point now) {
  auto& at = places_.at(place);
  if (at.answered) return;
  at.waits_since = now;
  clients_[at.source].waiting.insert(place);
  waiting_.insert(place);
}

void TftpLimits::answered(Id place) {
  auto& at = places_.at(place);
  if (std::exchange(at.answered, true)) return;
  --unanswered_;
  waiting_.erase(place);
  clients_[at.source].waiting.erase(place);
  remember(at.source);
}

void TftpLimits::hangs(Id place, Clock::time_point answered) {
  auto& at = places_.at(place);
  moves(place);
  at.hangs_since = answered;
  clients_[at.source].hanging.emplace(answered, place);
  hanging_.emplace(answered, place);
}

void TftpLimits::moves(Id place) {
  auto& at = places_.at(place);
  if (!at.hangs_since) return;
  hanging_.erase({*at.hangs_since, place});
  clients_[at.source].hanging.erase({*at.hangs_since, place});
  at.hangs_since.reset();
}

void TftpLimits::left(Id place) noexcept {
  const auto at = places_.find(place);
  const auto client = clients_.find(at->second.source);
  if (!at->second.answered) --unanswered_;
  waiting_.erase(place);
  client->second.waiting.erase(place);
  if (const auto since = at->second.hangs_since) {
    hanging_.erase({*since, place});
    client->second.hanging.erase({*since, place});
  }
  if (--client->second.transfers == 0) clients_.erase(client);
  places_.erase(at);
}

}  // namespace server
