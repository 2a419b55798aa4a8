#pragma once
#include <chrono>
#include <cstddef>
#include <deque>

#include "server/events/syslog.hpp"
#include "server/events/transfer.hpp"

namespace server {

class Event;

// The last transfers that ended, the last misses, and the failures that devices told in their own logs, for
// whoever looks later. Bookkeeping alone; on the
// loop.
class Recent {
 public:
  using Clock = std::chrono::system_clock;
  static constexpr std::size_t most = 100;  // of each
  template <class Happened>
  struct At {
    Clock::time_point time;
    Happened what;
  };

  void note(const Event& event, Clock::time_point now);
  const std::deque<At<event::TransferEnded>>& ended() const { return ended_; }  // the oldest first
  const std::deque<At<event::Missed>>& misses() const { return misses_; }
  const std::deque<At<event::ControllerSaid>>& heard() const { return heard_; }

 private:
  std::deque<At<event::TransferEnded>> ended_;
  std::deque<At<event::Missed>> misses_;
  std::deque<At<event::ControllerSaid>> heard_;
};

}  // namespace server
