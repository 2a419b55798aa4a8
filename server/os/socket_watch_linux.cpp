#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <new>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "server/loop/fair_queue.hpp"
#include "server/loop/reserved_memory.hpp"
#include "server/os/datagram.hpp"
#include "server/os/socket_watch.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// One turn on the loop: what comes behind, SSH for instance, must not wait for every transfer's window. Those
// that are ready are taken together as long as the turn is young; they hear what came, and have their
// answers, in the same turn if they can: who is put off costs the turn after that several system calls, and
// clients that came in step fall apart.
constexpr auto young_turn = 500us, longest_hearing = 800us, longest_turn = 1500us;
// Who hears what came, or has its answer, between two looks at the clock: each may take a dozen packets, and
// the clock a hundredth of a block.
constexpr std::size_t at_once = 4;
// Turns in which one alone is heard, before it is looked who else is ready.
constexpr unsigned most_unlooked = 15;

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
  explicit Impl(net::io_context& loop)
      : epoll(loop, make_epoll()), bell(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    auto event = interest(bell.get(), false);
    if (bell.get() < 0 || ::epoll_ctl(epoll.native_handle(), EPOLL_CTL_ADD, bell.get(), &event) < 0)
      throw std::system_error(errno, std::system_category(), "eventfd");
    watched.resize(static_cast<std::size_t>(bell.get()) + 1);
    wait();
  }

  // A turn throws nothing, and to wait takes no memory: so the next turn always comes.
  void wait() {
    epoll.async_wait(net::posix::stream_descriptor::wait_read,
                     net::bind_allocator(memory.allocator(), [this](error_code error) {
                       if (error) return;
                       turning = true;
                       turn();
                       turning = false;
                       wait();
                     }));
  }

  void turn() noexcept {
    auto now = Clock::now();
    const auto old = now + young_turn, heard = now + longest_hearing, end = now + longest_turn;
    if (!due.empty()) answer_due(now, now + young_turn / 2);
    if (hear_the_same(now)) return ring_if_due(now, end);
    std::array<epoll_event, 64> events;
    for (;;) {
      const int count = ::epoll_wait(epoll.native_handle(), events.data(), events.size(), 0);
      if (count <= 0) break;
      auto ready = std::span(events).first(static_cast<std::size_t>(count));
      ready = ready.first(hear(ready, now, heard));
      answer(ready, now, end);
      // Where one was ready alone, there is hardly another one by now: to look would cost a system call.
      if (count == 1) {
        note_alone(ready.front().data.fd);
        return ring_if_due(now, end);
      }
      turns_alone = 0;
      if (ready.empty() || now >= old) break;
    }
    ring_if_due(now, end);
  }

  void note_alone(int handle) {
    turns_alone = handle == alone ? turns_alone + 1 : 1;
    unlooked = 0;
    alone = handle;
  }

  // Who was ready alone twice running most likely is again: to ask that one spares the call that tells it.
  bool hear_the_same(Watched::Time now) {
    if (turns_alone < 2 || unlooked == most_unlooked) return false;
    auto* const who = watched.at(static_cast<std::size_t>(alone));
    if (!who || !who->ready(true, false, now)) {
      turns_alone = 0;
      return false;
    }
    ++unlooked;
    if (auto* const still = watched.at(static_cast<std::size_t>(alone))) still->answer(now);
    return true;
  }

  // Returns how many have heard. The others' packets wait, and are told again.
  std::size_t hear(std::span<const epoll_event> ready, Watched::Time now, Watched::Time end) {
    std::size_t heard = 0;
    for (const auto& event : ready) {
      if (heard > 0 && heard % at_once == 0 && Clock::now() >= end) break;
      ++heard;
      if (event.data.fd == bell.get()) silence();
      auto* const who = of(event);
      if (!who) continue;
      const bool error = event.events & (EPOLLERR | EPOLLHUP);
      who->ready(event.events & EPOLLIN || error, event.events & EPOLLOUT, now);
    }
    return heard;
  }

  // All that have heard, as far as the time is enough; the others in a later turn.
  void answer(std::span<const epoll_event> ready, Watched::Time& now, Watched::Time end) {
    std::size_t answered = 0;
    for (const auto& event : ready) {
      auto* const who = of(event);
      if (!who) continue;
      if (now >= end) {
        put_off(*who);
        continue;
      }
      who->answer(now);
      if (++answered % at_once == 0) now = Clock::now();
    }
    if (ready.size() > 1) now = Clock::now();  // after one alone nobody asks
  }

  void ring_if_due(Watched::Time now, Watched::Time end) {
    if (due.empty()) return;
    answer_due(now, end);
    if (!due.empty()) ring();
  }

  void answer_due(Watched::Time now, Watched::Time end) {
    do {
      const auto who = due.pop();
      if (!who) return;
      (*who)->queued_ = false;
      (*who)->answer(now);
      now = Clock::now();
    } while (now < end);
  }

  void queue(Watched& who) {
    if (who.queued_) return;
    due.push(who.source_, &who);
    who.queued_ = true;
  }

  // Should there be no memory, it is as if its packet had been lost.
  void put_off(Watched& who) noexcept {
    try {
      queue(who);
    } catch (const std::bad_alloc&) {
      return;
    }
  }

  // The next turn comes at once, without memory that there may not be.
  void ring() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto ignored = ::write(bell.get(), &one, sizeof one);
  }
  void silence() {
    std::uint64_t rung = 0;
    [[maybe_unused]] const auto ignored = ::read(bell.get(), &rung, sizeof rung);
  }

  // An event may be of a socket that an earlier one has ended: then there is nobody, or a new socket of the
  // same number, which finds nothing to read.
  Watched* of(const epoll_event& event) const { return watched.at(static_cast<std::size_t>(event.data.fd)); }

  const WaitMemory memory;
  net::posix::stream_descriptor epoll;
  UdpHandle bell;
  std::vector<Watched*> watched;  // by the handle
  FairQueue<Watched*> due;        // whose answers are still to be given
  int alone = -1;                 // was ready alone
  unsigned turns_alone = 0;       // running
  unsigned unlooked = 0;          // turns since it was looked who is ready
  bool turning = false;
};

SocketWatch::SocketWatch(net::io_context& loop) : impl_(std::make_unique<Impl>(loop)) {}
SocketWatch::~SocketWatch() = default;

void SocketWatch::again(Watched& watched) {
  impl_->queue(watched);
  if (!impl_->turning) impl_->ring();
}

void SocketWatch::forget(Watched& watched) noexcept {
  if (std::exchange(watched.queued_, false)) impl_->due.remove(watched.source_, &watched);
}

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
  if (auto* const watched = impl_->watched[static_cast<std::size_t>(handle)]) forget(*watched);
  ::epoll_ctl(impl_->epoll.native_handle(), EPOLL_CTL_DEL, handle, nullptr);
  impl_->watched[static_cast<std::size_t>(handle)] = nullptr;
}

void SocketWatch::also_for_room(int handle, bool wanted) {
  auto event = interest(handle, wanted);
  ::epoll_ctl(impl_->epoll.native_handle(), EPOLL_CTL_MOD, handle, &event);
}

}  // namespace server
