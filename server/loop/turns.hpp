#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "server/loop/net.hpp"

namespace server {

// Whose turn it is with what all share, so that one address (/64 of IPv6) cannot take all of it: each has a
// few turns at a time, and waits for more while the others take theirs. Bookkeeping alone. Lives on the loop.
class Turns {
 public:
  // One turn; its end begins another's. Outlived by the Turns.
  class Turn {
   public:
    Turn(Turn&& other) noexcept
        : turns_(std::exchange(other.turns_, nullptr)), address_(std::move(other.address_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_) turns_->leave(address_);
    }

   private:
    friend class Turns;
    Turn(Turns& turns, const net::ip::address& address) : turns_(&turns), address_(address) {}

    Turns* turns_;
    net::ip::address address_;
  };
  using Begin = std::move_only_function<void(Turn)>;

  Turns(std::size_t by_address, std::size_t in_all) : most_by_address_(by_address), most_in_all_(in_all) {}

  // A turn, if it is this address's at once.
  std::optional<Turn> enter(const net::ip::address& address);
  // Calls `begin` now or when its turn comes. `begin` must not throw: it may be called where another one's
  // turn ends. Should wait() throw, memory is short and `begin` is never called.
  void wait(const net::ip::address& address, Begin begin);
  // Forgets who waits.
  void clear();

  std::size_t waiting() const { return waiting_; }

 private:
  struct Client {
    std::size_t running = 0;
    std::deque<Begin> waiting;
  };
  using Clients = std::map<net::ip::address, Client>;
  bool may_begin(const Client& client) const;
  void leave(const net::ip::address& network) noexcept;
  void begin_next();
  Clients::iterator next();

  const std::size_t most_by_address_, most_in_all_;
  Clients clients_;
  net::ip::address last_;  // that began
  std::size_t running_ = 0, waiting_ = 0;
  bool beginning_ = false;
};

}  // namespace server
