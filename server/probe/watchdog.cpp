#include "server/probe/watchdog.hpp"

#include "server/os/lent_socket.hpp"

namespace server::probe {

Watchdog::Watchdog(SocketHandle socket, Clock::duration patience)
    : socket_(socket),
      patience_(patience),
      deadline_(Clock::now() + patience),
      thread_([this](const std::stop_token& stop) { watch(stop); }) {}

void Watchdog::feed() {
  const std::lock_guard lock(mutex_);
  deadline_ = Clock::now() + patience_;
  changed_.notify_all();
}

void Watchdog::sleep() {
  const std::lock_guard lock(mutex_);
  deadline_ = Clock::time_point::max();
}

bool Watchdog::has_bitten() const {
  const std::lock_guard lock(mutex_);
  return bitten_;
}

void Watchdog::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto deadline = deadline_;
    if (Clock::now() >= deadline) {
      bitten_ = true;
      shut_down(socket_);
      return;
    }
    const auto changed = [&] { return deadline_ != deadline; };
    if (deadline == Clock::time_point::max()) {
      changed_.wait(lock, stop, changed);
    } else {
      changed_.wait_until(lock, stop, deadline, changed);
    }
  }
}

}  // namespace server::probe
