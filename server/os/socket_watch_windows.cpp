#include "server/os/socket_watch.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <utility>

#include "server/loop/fair_queue.hpp"
#include "server/loop/reserved_memory.hpp"
#include "server/loop/succeeds.hpp"
#include "server/os/afd.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// As on Linux: the time for one turn on the loop, and for those in it that were put off before.
constexpr auto longest_hearing = 1500us, longest_turn = 2500us, longest_due = 500us;
// Who hears what came, or has its answer, between two looks at the clock.
constexpr std::size_t at_once = 4;
// Before a question is asked again that Windows had no memory for.
constexpr auto pause = 100ms;

// A socket, kept by the questions about it until they are answered.
struct Place {
  Place(net::io_context& loop, SocketHandle socket, Watched& owner)
      : to_read(loop, socket), for_room(loop, socket), who(&owner) {}
  AfdQuestion to_read, for_room;
  Watched* who;  // null once it is removed
  bool readable = false, room = false, wants_room = false;
  bool in_line = false;
  std::shared_ptr<Place> next;  // in the line
};
using Shared = std::shared_ptr<Place>;

// Those that have something. Takes no memory; a place stands in one line at a time.
class Line {
 public:
  Line() = default;
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() {
    while (pop()) continue;
  }

  bool empty() const { return !first_; }
  const Shared& first() const { return first_; }
  void push(Shared place) {
    auto* const last = place.get();
    (first_ ? last_->next : first_) = std::move(place);
    last_ = last;
  }
  Shared pop() {
    auto place = first_;
    if (place) first_ = std::move(place->next);
    return place;
  }

 private:
  Shared first_;
  Place* last_ = nullptr;
};

}  // namespace

// Each answer of the driver is a handler of its own. They are collected, and one turn comes after those that
// wait on the loop already: so all that were ready at the same time hear it before the first one answers.
// Only add() and again() take memory.
struct SocketWatch::Impl : std::enable_shared_from_this<SocketWatch::Impl> {
  explicit Impl(net::io_context& io) : loop(io), retry(io) {}

  void ask_to_read(const Shared& place) {
    if (!place->who || place->to_read.asking()) return;
    place->to_read.ask(AfdQuestion::receive | AfdQuestion::abort | AfdQuestion::local_close,
                       [weak = weak_from_this(), place](unsigned long events, error_code error) {
                         const auto self = weak.lock();
                         if (!self || !place->who || (events & AfdQuestion::local_close) != 0) return;
                         if (error) return self->ask_later();
                         place->readable = true;
                         self->has_something(place);
                       });
  }

  void ask_for_room(const Shared& place) {
    if (!place->who || !place->wants_room || place->for_room.asking()) return;
    place->for_room.ask(AfdQuestion::writable,
                        [weak = weak_from_this(), place](unsigned long events, error_code error) {
                          const auto self = weak.lock();
                          if (!self || !place->who || (events & AfdQuestion::local_close) != 0) return;
                          // It may have been cancelled, and wanted again since.
                          if (error == net::error::operation_aborted) return self->ask_for_room(place);
                          if (error) return self->ask_later();
                          if (!place->wants_room) return;
                          place->room = true;
                          self->has_something(place);
                        });
  }

  void ask_later() {
    if (retrying) return;
    retrying = succeeds([this] {
      retry.expires_after(pause);
      retry.async_wait(
          net::bind_allocator(retry_memory.allocator(), [weak = weak_from_this()](error_code error) {
            const auto self = weak.lock();
            if (error || !self) return;
            self->retrying = false;
            for (const auto& [_, place] : self->places) {
              if (!place->in_line) self->ask_to_read(place);
              self->ask_for_room(place);
            }
          }));
    });
  }

  void has_something(const Shared& place) {
    if (!std::exchange(place->in_line, true)) ready.push(place);
    if (!turning) ring();
  }

  // A turn comes.
  void ring() {
    if (std::exchange(rung, true)) return;
    net::post(loop, net::bind_allocator(turn_memory.allocator(), [weak = weak_from_this()] {
                const auto self = weak.lock();
                if (!self) return;
                self->rung = false;
                self->turning = true;
                self->turn();
                self->turning = false;
                if (!self->ready.empty() || !self->due.empty()) self->ring();
              }));
  }

  void turn() noexcept {
    auto now = Clock::now();
    const auto hearing_ends = now + longest_hearing, end = now + longest_turn;
    if (!due.empty()) answer_due(now, now + longest_due);
    Line heard;
    hear(heard, now, hearing_ends);
    answer(heard, now, end);
    while (const auto place = heard.pop()) {
      place->in_line = false;
      ask_to_read(place);
      ask_for_room(place);
    }
    if (!due.empty()) answer_due(now, end);
  }

  // Who has no time to hear stays in the line.
  void hear(Line& heard, Watched::Time now, Watched::Time end) {
    for (std::size_t count = 1; !ready.empty(); ++count) {
      const auto place = ready.pop();
      const bool readable = std::exchange(place->readable, false);
      const bool room = std::exchange(place->room, false) && place->wants_room;
      if (place->who) place->who->ready(readable, room, now);
      heard.push(place);
      if (count % at_once == 0 && Clock::now() >= end) return;
    }
  }

  void answer(const Line& heard, Watched::Time& now, Watched::Time end) {
    std::size_t answered = 0;
    for (auto place = heard.first(); place; place = place->next) {
      auto* const who = place->who;
      if (!who) continue;
      if (now >= end) {
        put_off(*who);
        continue;
      }
      who->answer(now);
      if (++answered % at_once == 0) now = Clock::now();
    }
    now = Clock::now();
  }

  void answer_due(Watched::Time& now, Watched::Time end) {
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

  static void leave(Place& place) noexcept {
    place.who = nullptr;
    place.to_read.cancel();
    place.for_room.cancel();
  }

  net::io_context& loop;
  net::steady_timer retry;
  const WaitMemory turn_memory, retry_memory;
  std::map<SocketHandle, Shared> places;
  Line ready;
  FairQueue<Watched*> due;  // whose answers are still to be given
  bool rung = false, turning = false, retrying = false;
};

SocketWatch::SocketWatch(net::io_context& loop) : impl_(std::make_shared<Impl>(loop)) {}

SocketWatch::~SocketWatch() {
  for (const auto& [_, place] : impl_->places) Impl::leave(*place);
}

void SocketWatch::again(Watched& watched) {
  impl_->queue(watched);
  if (!impl_->turning) impl_->ring();
}

void SocketWatch::forget(Watched& watched) noexcept {
  if (std::exchange(watched.queued_, false)) impl_->due.remove(watched.source_, &watched);
}

void SocketWatch::add(SocketHandle handle, Watched& watched) {
  const auto place = std::make_shared<Place>(impl_->loop, handle, watched);
  impl_->places.insert_or_assign(handle, place);
  impl_->ask_to_read(place);
}

void SocketWatch::remove(SocketHandle handle) {
  const auto found = impl_->places.find(handle);
  if (found == impl_->places.end()) return;
  const auto place = std::move(found->second);
  impl_->places.erase(found);
  if (place->who) forget(*place->who);
  Impl::leave(*place);
}

void SocketWatch::also_for_room(SocketHandle handle, bool wanted) {
  const auto found = impl_->places.find(handle);
  if (found == impl_->places.end()) return;
  auto& place = *found->second;
  place.wants_room = wanted;
  if (wanted) return impl_->ask_for_room(found->second);
  place.room = false;
  place.for_room.cancel();
}

}  // namespace server
