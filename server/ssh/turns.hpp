#pragma once
#include <chrono>
#include <memory>

#include "server/loop/fair_queue.hpp"
#include "server/loop/reserved_memory.hpp"

namespace server {

// The loop's time for SSH: all connections that have something to do wait in one queue, each address in turn,
// and are served for about 2 ms; then whoever waits for the loop besides, TFTP above all, comes first. So it
// does not matter how many connections an address has. Lives on the loop.
class SshTurns {
 public:
  using Time = std::chrono::steady_clock::time_point;

  class Guest {
   public:
    // Works until `end` at most, and asks again if it has more to do. Must not throw.
    virtual void take_turn(Time end) noexcept = 0;

   protected:
    ~Guest() = default;
  };

  explicit SshTurns(net::io_context& loop) : loop_(loop) {}

  // `guest` gets a turn; it does not ask again before that. Kept until then.
  void ask(const net::ip::address& source, std::shared_ptr<Guest> guest);
  // Forgets who waits.
  void clear() { queue_.clear(); }

 private:
  void post();
  void run();

  net::io_context& loop_;
  FairQueue<std::shared_ptr<Guest>> queue_;
  bool posted_ = false;
  const WaitMemory memory_;  // who waits is not forgotten because memory is short
};

}  // namespace server
