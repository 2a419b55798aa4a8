#include "server/files/open_files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "server/loop/client_network.hpp"

namespace server {
namespace {

constexpr std::size_t by_transfer = 5;   // an upload over TFTP
constexpr std::size_t by_session = 3;    // its socket twice, and what a login reads
constexpr std::size_t by_process = 100;  // listeners, the log, workers

template <class Map, class Key>
std::size_t at(const Map& counts, const Key& key) {
  const auto place = counts.find(key);
  return place == counts.end() ? 0 : place->second;
}

template <class Map, class Key>
void take_from(Map& counts, const Key& key, std::size_t count) noexcept {
  const auto place = counts.find(key);
  if (place != counts.end() && (place->second -= count) == 0) counts.erase(place);
}

}  // namespace

OpenFiles::Bounds OpenFiles::bounds_for(std::size_t limit, std::size_t transfers, std::size_t connections) {
  const auto others = by_transfer * transfers + by_session * connections + by_process;
  const auto in_all = std::max(limit / 4, limit > others ? limit - others : 0);
  return {in_all, in_all / 2, in_all / 4};
}

OpenFiles::Connection::Connection(const OpenFiles& files, const net::ip::address& address, std::string user)
    : holder_(std::make_shared<Holder>(files.counts_, client_network(address), std::move(user))) {}

std::expected<OpenFiles::Lease, OpenFiles::Bound> OpenFiles::take(const Connection& who,
                                                                  const Wanted& what) const {
  auto& holder = *who.holder_;
  const auto count = what.descriptors;
  using enum Bound;
  if (holder.descriptors + count > by_connection + roots_by_connection) return std::unexpected(connection);
  if (what.directory && holder.directories == directories_by_connection) return std::unexpected(directories);
  if (holder.name_bytes + what.name > name_bytes_by_connection) return std::unexpected(names);
  if (at(counts_->by_address, holder.address) + count > bounds_.by_address) return std::unexpected(address);
  if (at(counts_->by_user, holder.user) + count > bounds_.by_user) return std::unexpected(user);
  if (counts_->in_all + count > bounds_.in_all) return std::unexpected(process);
  holder.add(what);
  return Lease(who.holder_, what);
}

// What may throw comes first.
void OpenFiles::Holder::add(const Wanted& what) {
  counts->thread.expect();
  auto& of_address = counts->by_address[address];
  auto& of_user = counts->by_user[user];
  of_address += what.descriptors;
  of_user += what.descriptors;
  counts->in_all += what.descriptors;
  descriptors += what.descriptors;
  directories += what.directory ? 1 : 0;
  name_bytes += what.name;
}

void OpenFiles::Holder::subtract(const Wanted& what) noexcept {
  counts->thread.expect();
  take_from(counts->by_address, address, what.descriptors);
  take_from(counts->by_user, user, what.descriptors);
  counts->in_all -= what.descriptors;
  descriptors -= what.descriptors;
  directories -= what.directory ? 1 : 0;
  name_bytes -= what.name;
}

std::string text_of(OpenFiles::Bound bound) {
  using enum OpenFiles::Bound;
  switch (bound) {
    case connection:
      return fmt::format("this connection has {} files open, the most", OpenFiles::by_connection);
    case directories:
      return fmt::format("this connection has {} folders open, the most",
                         OpenFiles::directories_by_connection);
    case names:
      return fmt::format("the names of this connection's open files take {} KiB, the most",
                         OpenFiles::name_bytes_by_connection >> 10);
    case address:
      return "this address has as many files open as one may, a quarter of all that SSH may have open";
    case user:
      return "this user has as many files open as one may, a half of all that SSH may have open";
    case process:
      return "SSH has as many files open as it may: raise the limit of descriptors (LimitNOFILE=, ulimit -n)";
  }
  return {};
}

}  // namespace server
