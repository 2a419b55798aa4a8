#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <list>
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
// address, or per /64 of IPv6. Who has some leaves_enough() of the table and of tftp.port_range to
// others. Bookkeeping alone: no socket, no clock, no log. Lives on the loop.
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
  // half. `free_ports` are those of tftp.port_range.
  std::expected<Id, event::Limit> enter(const net::ip::address& client, const conf::Tftp& settings,
                                        std::size_t descriptors,
                                        std::size_t free_ports = std::numeric_limits<std::size_t>::max());
  // One that waits for a client that never answered, for its address may be forged: of the address of which
  // most wait, among equals of one that was not heard of late, and of these the oldest. Else one that hangs
  // for long: of the address that has most, for a client that has no other transfer. Of `client` when it was
  // its own limit that it met, and then none whose answer may be on its way. `has_place`: it lacks something
  // else, a port for instance.
  std::optional<Id> gives_way(const net::ip::address& client, event::Limit limit, Clock::time_point now,
                              bool has_place = false) const;

  void waits(Id place, Clock::time_point now);       // its first answer has gone out
  void answered(Id place);                           // its client is there
  void hangs(Id place, Clock::time_point answered);  // and has not moved on since then
  void moves(Id place);                              // it does again
  void left(Id place) noexcept;
  std::size_t transfers() const { return places_.size(); }
  std::size_t remembered() const { return clients_.size() + rate_.remembered(); }

 private:
  using Addresses = std::list<net::ip::address>;
  using Hanging = std::set<std::pair<Clock::time_point, Id>>;  // since when, and which
  struct Client {
    std::size_t transfers = 0;
    std::set<Id> waiting;  // as waiting_
    Hanging hanging;       // as hanging_
  };
  struct Place {
    net::ip::address source;
    bool answered = false;
    Clock::time_point waits_since{};
    std::optional<Clock::time_point> hangs_since{};
  };

  std::optional<Id> least_missed() const;
  void remember(const net::ip::address& source);

  RequestRate rate_;
  std::map<net::ip::address, Client> clients_;  // by client_network(); those that have a transfer
  std::map<Id, Place> places_;
  std::set<Id> waiting_;  // the oldest first
  Hanging hanging_;       // likewise
  std::size_t unanswered_ = 0;
  Addresses heard_;  // that have answered, the latest first
  std::map<net::ip::address, Addresses::iterator> real_;
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
  void waits(TftpLimits::Clock::time_point now) { limits_->waits(id_, now); }
  void answered() { limits_->answered(id_); }
  void hangs(TftpLimits::Clock::time_point answered) { limits_->hangs(id_, answered); }
  void moves() { limits_->moves(id_); }

 private:
  std::shared_ptr<TftpLimits> limits_;
  TftpLimits::Id id_;
};

}  // namespace server
