#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "server/loop/net.hpp"

namespace server::probe {

// Shuts a connection down when nothing has come for too long: a library that waits for it without a bound
// then sees its end. The socket stays its owner's, and must outlive this. Has a thread of its own.
class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;

  Watchdog(SocketHandle socket, Clock::duration patience);
  void feed();   // something came
  void sleep();  // nothing is due, until it is fed again
  bool has_bitten() const;

 private:
  void watch(const std::stop_token& stop);

  const SocketHandle socket_;
  const Clock::duration patience_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Clock::time_point deadline_;
  bool bitten_ = false;
  std::jthread thread_;  // the last one: it uses all others
};

}  // namespace server::probe
