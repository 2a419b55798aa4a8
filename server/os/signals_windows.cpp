#include "server/os/signals.hpp"

#include <boost/asio/windows/object_handle.hpp>
#include <system_error>

#include "server/loop/reserved_memory.hpp"
#include "server/os/host_events.hpp"
#include "server/os/service_manager.hpp"
#include "server/os/wide.hpp"

namespace server {
namespace {

// On a thread of the console's. After the return from these three the system ends the process at once, so
// they do not return: the server drains for as long as the system lets it, which is a few seconds.
BOOL WINAPI hear_console(DWORD event) {
  const bool ends_process =
      event == CTRL_CLOSE_EVENT || event == CTRL_LOGOFF_EVENT || event == CTRL_SHUTDOWN_EVENT;
  // A service hears of every user who logs off, and of the shutdown by the SCM.
  if (ends_process && has_service_manager()) return TRUE;
  ::SetEvent(stop_event());
  if (ends_process) ::Sleep(INFINITE);
  return TRUE;
}

// Asio has no way to open a handle that it is not to close: each wait has a copy of the event.
HANDLE copy_of(HANDLE event) {
  HANDLE copy = nullptr;
  if (!::DuplicateHandle(::GetCurrentProcess(), event, ::GetCurrentProcess(), &copy, 0, FALSE,
                         DUPLICATE_SAME_ACCESS))
    throw std::system_error(last_error(), "cannot wait for a stop");
  return copy;
}

}  // namespace

struct HostSignals::Impl {
  struct Wait {
    Wait(net::io_context& loop, HANDLE event, HostSignal meaning)
        : handle(loop, copy_of(event)), signal(meaning) {}
    net::windows::object_handle handle;
    const WaitMemory memory;
    const HostSignal signal;
  };

  explicit Impl(net::io_context& loop)
      : stop(loop, stop_event(), HostSignal::end), reload(loop, reload_event(), HostSignal::reload) {
    if (!::SetConsoleCtrlHandler(hear_console, TRUE))
      throw std::system_error(last_error(), "cannot listen to Ctrl-C");
  }

  // Without memory that there may not be: the server could not be stopped any more.
  void wait(Wait& on) {
    on.handle.async_wait(net::bind_allocator(on.memory.allocator(), [this, &on](const error_code& error) {
      if (error) return;
      wait(on);
      heed(on.signal);
    }));
  }

  Wait stop, reload;
  std::function<void(HostSignal)> heed;
};

HostSignals::HostSignals(net::io_context& loop) : impl_(std::make_unique<Impl>(loop)) {}
// The handler stays: a Ctrl-C during the last moments must not end the process between two writes.
HostSignals::~HostSignals() = default;

void HostSignals::heed(std::function<void(HostSignal)> heed) {
  impl_->heed = std::move(heed);
  impl_->wait(impl_->stop);
  impl_->wait(impl_->reload);
}

}  // namespace server
