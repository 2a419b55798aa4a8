#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "server/events/ssh.hpp"
#include "server/loop/net.hpp"
#include "server/loop/sweep.hpp"

namespace conf {
struct Ssh;
}  // namespace conf

namespace server {

// Who may connect over SSH now, and how long the answer to a failed login is held back. Counts per address
// first, or per /64 of IPv6, so that nobody keeps others out. Bookkeeping alone: no socket, no clock, no log.
// Lives on the loop.
class SshLimits {
 public:
  using Clock = std::chrono::steady_clock;

  struct Drop {
    event::SshLimit limit;
    event::Offence offence;       // that led to a penalty
    std::size_t unauthenticated;  // connections now
    std::uint64_t untold;         // drops of this address that nobody was told of
  };
  struct Refusal {
    std::optional<Drop> tell;  // nothing: the log has enough of this address for now
  };
  // Nothing: it may come in, and left() must be called when it has gone. `chance` is a random number below
  // 100.
  std::optional<Refusal> enter(const net::ip::address& client, const conf::Ssh& settings, unsigned chance,
                               Clock::time_point now);

  // Whether `user` may have one more session there, to be asked before logged_in(): all that an account has
  // leave some to the others, as those of an address do. The first one from an address always may.
  bool has_room(const net::ip::address& client, const std::string& user, const conf::Ssh& settings) const;
  // For an hour `user` is vouched for at that address: his failures there are his own devices', not guesses.
  void logged_in(const net::ip::address& client, const std::string& user, Clock::time_point now);
  // Whether a try of `user` is judged at all. Where a penalty is in force and somebody else is vouched for,
  // only those who are vouched for may log in.
  bool judges(const net::ip::address& client, const std::string& user, Clock::time_point now) const;
  // After a connection's try number `tries`, from 1: how long its answer is held back.
  Clock::duration failed(const net::ip::address& client, int tries, const conf::Ssh& settings,
                         Clock::time_point now);

  struct Penalty {
    event::Offence offence;
    std::chrono::seconds period;
  };
  // `offence` of a connection that nobody logged in on, and whom it tried to be. What it returns has begun
  // just now.
  std::optional<Penalty> left(const net::ip::address& client, std::optional<event::Offence> offence,
                              const std::string& user, const conf::Ssh& settings, Clock::time_point now);
  // The same without an offence, for a connection that broke off for a reason of ours. `user`: who has logged
  // in on it, or null.
  void gone(const net::ip::address& client, const std::string* user) noexcept;

  std::size_t remembered() const { return clients_.size(); }

 private:
  struct Vouched {
    Clock::time_point until;
    int forgiven = 0;  // failures since the last login
  };
  struct Client {
    std::size_t connections = 0, unauthenticated = 0;
    double failures = 0;  // a bucket that leaks
    Clock::time_point failed_at;
    Clock::time_point penalty_ends;  // of one that has begun, or of one that is still too short to begin
    bool penalised = false;
    event::Offence offence{};
    std::map<std::string, Vouched> vouched;  // a login shows that its devices are there
    Clock::time_point told_at;
    std::uint64_t untold = 0;
    bool quiet(Clock::time_point now) const;
    bool is_vouched(Clock::time_point now) const;  // somebody is
    bool forgives(const std::string& user, Clock::time_point now);
  };

  Client& client_at(const net::ip::address& client, Clock::time_point now);
  std::optional<event::SshLimit> limit_for(Client& client, bool trusted, const conf::Ssh& settings,
                                           unsigned chance, Clock::time_point now) const;
  Refusal refuse(Client& client, event::SshLimit limit, Clock::time_point now);
  bool may_tell(Client& client, Clock::time_point now);

  std::size_t connections_ = 0, unauthenticated_ = 0;
  std::map<net::ip::address, Client> clients_;
  std::map<std::string, std::size_t> sessions_of_;  // users who have some
  Sweep<net::ip::address> sweep_;
  Clock::time_point telling_since_;
  unsigned told_ = 0;  // since then, of all addresses
};

// One connection's place in the limits. It is given back when this goes, whatever happened to the connection.
class SshPlace {
 public:
  // Behind an enter() that let it in.
  SshPlace(SshLimits& limits, net::ip::address client) noexcept
      : limits_(&limits), client_(std::move(client)) {}
  SshPlace(SshPlace&& other) noexcept
      : limits_(std::exchange(other.limits_, nullptr)),
        client_(other.client_),
        user_(std::move(other.user_)) {}
  SshPlace& operator=(SshPlace&&) = delete;
  ~SshPlace() {
    if (limits_) limits_->gone(client_, user_ ? &*user_ : nullptr);
  }

  bool has_room_for(const std::string& user, const conf::Ssh& settings) const {
    return limits_->has_room(client_, user, settings);
  }
  void logged_in(std::string user, SshLimits::Clock::time_point now) {
    limits_->logged_in(client_, user, now);
    user_ = std::move(user);
  }
  // With what is to be held against its address; once.
  std::optional<SshLimits::Penalty> leave(std::optional<event::Offence> offence, const std::string& user,
                                          const conf::Ssh& settings, SshLimits::Clock::time_point now) {
    if (!limits_ || user_.has_value() != !offence) return {};
    auto& limits = *std::exchange(limits_, nullptr);
    return limits.left(client_, offence, user, settings, now);
  }

 private:
  SshLimits* limits_;  // nothing once it was given back
  net::ip::address client_;
  std::optional<std::string> user_;  // who has logged in
};

}  // namespace server
