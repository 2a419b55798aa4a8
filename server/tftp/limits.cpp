#include "server/tftp/limits.hpp"

#include <algorithm>
#include <utility>

#include "conf/tftp.hpp"
#include "server/events/tftp.hpp"
#include "server/loop/client_network.hpp"

namespace server {
namespace {

using event::Limit;

// Two sockets and a file; an upload has its folders, too.
constexpr std::size_t descriptors_each = 3, descriptors_of_upload = 5;

constexpr std::size_t half_of(std::size_t all) { return (all + 1) / 2; }

// What one address may have of `all`: an eighth, one at the least, is for the others.
constexpr std::size_t share_of(std::size_t all) {
  return all > 1 ? all - std::max<std::size_t>(all / 8, 1) : all;
}

}  // namespace

std::expected<TftpLimits::Id, Limit> TftpLimits::enter(const net::ip::address& address,
                                                       const conf::Tftp& settings, std::size_t descriptors) {
  const auto each = settings.uploads ? descriptors_of_upload : descriptors_each;
  const auto table = std::clamp<std::size_t>(descriptors / 2 / each, 1, settings.max_transfers);
  auto most = std::min<std::size_t>(settings.max_transfers_per_address, share_of(table));
  if (const auto& range = settings.port_range; range && !settings.single_port)
    most = std::min<std::size_t>(most, share_of(range->last - range->first + 1U));
  const auto source = client_network(address);
  const auto client = clients_.find(source);
  if (client != clients_.end() && client->second.transfers >= most)
    return std::unexpected(Limit::transfers_per_address);
  if (places_.size() >= table || unanswered_ >= half_of(table)) return std::unexpected(Limit::transfers);
  auto& counted = clients_[source];
  places_.emplace(last_ + 1, Place{source});
  ++counted.transfers;
  ++unanswered_;
  return ++last_;
}

std::optional<TftpLimits::Id> TftpLimits::gives_way(const net::ip::address& address, Limit limit) const {
  const auto client = clients_.find(client_network(address));
  const bool own = limit == Limit::transfers_per_address && client != clients_.end();
  const auto& waiting = own ? client->second.waiting : waiting_;
  return waiting.empty() ? std::nullopt : std::optional(*waiting.begin());
}

void TftpLimits::waits(Id place) {
  const auto& [source, answered] = places_.at(place);
  if (answered) return;
  clients_[source].waiting.insert(place);
  waiting_.insert(place);
}

void TftpLimits::answered(Id place) {
  auto& at = places_.at(place);
  if (std::exchange(at.answered, true)) return;
  --unanswered_;
  waiting_.erase(place);
  clients_[at.source].waiting.erase(place);
}

void TftpLimits::left(Id place) noexcept {
  const auto at = places_.find(place);
  const auto client = clients_.find(at->second.source);
  if (!at->second.answered) --unanswered_;
  waiting_.erase(place);
  client->second.waiting.erase(place);
  if (--client->second.transfers == 0) clients_.erase(client);
  places_.erase(at);
}

}  // namespace server
