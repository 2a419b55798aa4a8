#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "server/files/request_rate.hpp"
#include "server/loop/net.hpp"

namespace conf {
struct Tftp;
}  // namespace conf

namespace server {

namespace event {
enum class Limit;
}

// Who may ask now, who may start a transfer, and which transfer gives way when there is no room. Counts per
// address, or per /64 of IPv6, and one of them leaves an eighth of the table and of tftp.port_range to the
// others.
// Bookkeeping alone: no socket, no clock, no log. Lives on the loop.
class TftpLimits {
 public:
  using Clock = RequestRate::Clock;
  using Id = std::uint64_t;

  // Looks at the address alone, before anything of the request is read. Nothing: it may ask.
  std::optional<event::Limit> knock(const net::ip::address& client, const conf::Tftp& settings,
                                    Clock::time_point now) {
    return rate_.knock(client, settings, now);
  }
  // A place for a transfer, until left(). `descriptors` is what the process may have open: transfers take
  // half.
  std::expected<Id, event::Limit> enter(const net::ip::address& client, const conf::Tftp& settings,
                                        std::size_t descriptors);
  // The one that has waited longest for a client that never answered: its address may be forged. Of `client`
  // when it was its own limit that it met.
  std::optional<Id> gives_way(const net::ip::address& client, event::Limit limit) const;

  void waits(Id place);     // its first answer has gone out
  void answered(Id place);  // its client is there: it gives way to nobody
  void left(Id place) noexcept;
  std::size_t transfers() const { return places_.size(); }
  std::size_t remembered() const { return clients_.size() + rate_.remembered(); }

 private:
  struct Client {
    std::size_t transfers = 0;
    std::set<Id> waiting;  // as waiting_
  };
  struct Place {
    net::ip::address source;
    bool answered = false;
  };

  RequestRate rate_;
  std::map<net::ip::address, Client> clients_;  // by client_network(); those that have a transfer
  std::map<Id, Place> places_;
  std::set<Id> waiting_;  // the oldest first
  std::size_t unanswered_ = 0;
  Id last_ = 0;
};

// A place that is given back with its holder.
class TftpPlace {
 public:
  TftpPlace(std::shared_ptr<TftpLimits> limits, TftpLimits::Id id) : limits_(std::move(limits)), id_(id) {}
  TftpPlace(TftpPlace&&) noexcept = default;
  TftpPlace& operator=(TftpPlace&&) = delete;
  ~TftpPlace() {
    if (limits_) limits_->left(id_);
  }

  TftpLimits::Id id() const { return id_; }
  void waits() { limits_->waits(id_); }
  void answered() { limits_->answered(id_); }

 private:
  std::shared_ptr<TftpLimits> limits_;
  TftpLimits::Id id_;
};

}  // namespace server
