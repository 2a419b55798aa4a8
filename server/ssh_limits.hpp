#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "conf/settings.hpp"
#include "server/events.hpp"
#include "server/net.hpp"

namespace server {

// Who may connect over SSH now, and how long the answer to a failed login is held back. Counts per address
// first, or per /64 of IPv6, so that nobody keeps others out. Bookkeeping alone: no socket, no clock, no log.
// Lives on the loop.
class SshLimits {
 public:
  using Clock = std::chrono::steady_clock;

  struct Drop {
    event::SshLimit limit;
    event::Offence offence;       // behind a penalty
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

  void logged_in(const net::ip::address& client, Clock::time_point now);
  // After a connection's try number `tries`, from 1: how long its answer is held back.
  Clock::duration failed(const net::ip::address& client, int tries, const conf::Ssh& settings,
                         Clock::time_point now);

  struct Penalty {
    event::Offence offence;
    std::chrono::seconds period;
  };
  // `offence` of a connection that nobody logged in on. What it returns has begun just now.
  std::optional<Penalty> left(const net::ip::address& client, std::optional<event::Offence> offence,
                              const conf::Ssh& settings, Clock::time_point now);

  std::size_t remembered() const { return clients_.size(); }

 private:
  struct Client {
    std::size_t connections = 0, unauthenticated = 0;
    double failures = 0;  // a bucket that leaks
    Clock::time_point failed_at;
    Clock::time_point penalty_ends;  // of one that has begun, or of one that is still too short to begin
    bool penalised = false;
    event::Offence offence{};
    Clock::time_point vouched_until;  // a login shows that its devices are there
    Clock::time_point told_at;
    std::uint64_t untold = 0;
    bool quiet(Clock::time_point now) const;
  };

  Client& client_at(const net::ip::address& client, Clock::time_point now);
  std::optional<event::SshLimit> limit_for(Client& client, bool trusted, const conf::Ssh& settings,
                                           unsigned chance, Clock::time_point now) const;
  Refusal refuse(Client& client, event::SshLimit limit, Clock::time_point now);
  bool may_tell(Client& client, Clock::time_point now);
  void forget_the_quiet(Clock::time_point now);

  std::size_t connections_ = 0, unauthenticated_ = 0;
  std::map<net::ip::address, Client> clients_;
  Clock::time_point forgot_;
  Clock::time_point telling_since_;
  unsigned told_ = 0;  // since then, of all addresses
};

}  // namespace server
