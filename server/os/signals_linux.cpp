#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "server/loop/reserved_memory.hpp"
#include "server/os/signals.hpp"

namespace server {

struct HostSignals::Impl {
  explicit Impl(net::io_context& loop) : signals(loop, SIGINT, SIGTERM, SIGHUP) {}

  // Without memory that there may not be: the server could not be stopped any more.
  void wait() {
    signals.async_wait(net::bind_allocator(memory.allocator(), [this](const error_code& error, int signal) {
      if (error) return;
      wait();
      heed(signal == SIGHUP ? HostSignal::reload : HostSignal::end);
    }));
  }

  net::signal_set signals;
  const WaitMemory memory;
  std::function<void(HostSignal)> heed;
};

HostSignals::HostSignals(net::io_context& loop) : impl_(std::make_unique<Impl>(loop)) {}
HostSignals::~HostSignals() = default;

void HostSignals::heed(std::function<void(HostSignal)> heed) {
  impl_->heed = std::move(heed);
  impl_->wait();
}

}  // namespace server
