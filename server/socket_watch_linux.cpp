#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <system_error>

#include "server/socket_watch.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// One turn on the loop: what comes behind, SSH for instance, must not wait for every transfer's window.
constexpr auto longest_turn = 1ms;

epoll_event interest(int handle, bool room) {
  epoll_event event{};
  // Level-triggered: a packet that is left for the next turn is told again.
  event.events = EPOLLIN | (room ? EPOLLOUT : 0U);
  event.data.fd = handle;
  return event;
}

int make_epoll() {
  const int handle = ::epoll_create1(EPOLL_CLOEXEC);
  if (handle < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
  return handle;
}

}  // namespace

struct SocketWatch::Impl {
  explicit Impl(net::io_context& loop) : epoll(loop, make_epoll()) { wait(); }

  void wait() {
    epoll.async_wait(net::posix::stream_descriptor::wait_read, [this](error_code error) {
      if (error) return;
      turn();
      wait();
    });
  }

  void turn() {
    auto now = Clock::now();
    const auto end = now + longest_turn;
    std::array<epoll_event, 64> events;
    for (;;) {
      const int count = ::epoll_wait(epoll.native_handle(), events.data(), events.size(), 0);
      if (count <= 0) return;
      const auto ready = std::span(events).first(static_cast<std::size_t>(count));
      for (const auto& event : ready) {
        const bool error = event.events & (EPOLLERR | EPOLLHUP);
        if (auto* const who = of(event))
          who->ready(event.events & EPOLLIN || error, event.events & EPOLLOUT, now);
      }
      for (const auto& event : ready) {
        if (auto* const who = of(event)) who->answer(now);
      }
      // Where one was ready alone, there is hardly another one by now: to look would cost it a system call.
      if (ready.size() == 1) return;
      now = Clock::now();
      if (now >= end) return;
    }
  }

  // An event may be of a socket that an earlier one has ended: then there is nobody, or a new socket of the
  // same number, which finds nothing to read.
  Watched* of(const epoll_event& event) const { return watched.at(static_cast<std::size_t>(event.data.fd)); }

  net::posix::stream_descriptor epoll;
  std::vector<Watched*> watched;  // by the handle
};

SocketWatch::SocketWatch(net::io_context& loop) : impl_(std::make_unique<Impl>(loop)) {}
SocketWatch::~SocketWatch() = default;

void SocketWatch::add(int handle, Watched& watched) {
  const auto place = static_cast<std::size_t>(handle);
  if (impl_->watched.size() <= place) impl_->watched.resize(place + 1);
  auto event = interest(handle, false);
  if (::epoll_ctl(impl_->epoll.native_handle(), EPOLL_CTL_ADD, handle, &event) < 0) {
    throw std::system_error(errno, std::system_category(), "epoll_ctl");
  }
  impl_->watched[place] = &watched;
}

void SocketWatch::remove(int handle) {
  ::epoll_ctl(impl_->epoll.native_handle(), EPOLL_CTL_DEL, handle, nullptr);
  impl_->watched[static_cast<std::size_t>(handle)] = nullptr;
}

void SocketWatch::also_for_room(int handle, bool wanted) {
  auto event = interest(handle, wanted);
  ::epoll_ctl(impl_->epoll.native_handle(), EPOLL_CTL_MOD, handle, &event);
}

}  // namespace server
