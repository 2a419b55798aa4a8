#include "server/probe/watchdog.hpp"

namespace server::probe {
namespace {

// Asio has no such call for a socket that is another's.
void shut_down(tcp::socket::native_handle_type handle) {
  net::io_context loop;
  error_code ignored;
  tcp::socket socket(loop);
  socket.assign(tcp::v4(), handle, ignored);
  socket.shutdown(tcp::socket::shutdown_both, ignored);
  socket.release(ignored);
}

}  // namespace

Watchdog::Watchdog(tcp::socket::native_handle_type socket, Clock::duration patience)
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
