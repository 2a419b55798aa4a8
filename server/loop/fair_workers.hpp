#pragma once
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "server/loop/fair_queue.hpp"
#include "server/loop/workers.hpp"

namespace server {

// A share of some workers, given out by address in turn: whoever asks a hundred times keeps nobody else
// waiting for more than what is under way. Lives on the loop, and must outlive what runs.
class FairWorkers {
 public:
  using Source = FairQueue<int>::Source;

  // Of all work `most` is given to the threads at a time, and of one address `most_per_source`; or up to
  // `most_if_quick`, as long as its work is: a crowd that comes at once goes through at once, and whoever
  // asks for what a slow disk has still leaves threads to others.
  FairWorkers(Workers& workers, std::size_t most, std::size_t most_per_source, std::size_t most_if_quick = 0)
      : workers_(workers), most_(most), queue_(most_per_source, most_if_quick) {}

  // As Workers::run(); `then` is kept until `work` has ended, which may use what belongs to it. Where memory
  // is too short to begin once its turn comes, `then` gets nothing.
  template <class Work, class Then>
  void run(const Source& source, Work work, Then then) {
    auto shared_then = std::make_shared<Then>(std::move(then));
    queue_.push(source, [this, source, work = std::move(work), shared_then](bool possible) mutable {
      if (!possible) return (*shared_then)(std::nullopt);
      using R = std::invoke_result_t<Work&>;
      workers_.run(timed(std::move(work)), [this, source, shared_then](std::optional<Timed<R>> done) {
        finished(source, done && done->took <= quick);
        (*shared_then)(done ? std::optional<R>(std::move(done->result)) : std::nullopt);
      });
    });
    start(true);
  }

  // The same for a coroutine, as Workers::run(). Throws std::bad_alloc if the work gave no result.
  template <class Work>
  net::awaitable<std::invoke_result_t<Work&>> run(Source source, Work work) {
    using R = std::invoke_result_t<Work&>;
    using Signature = void(std::optional<R>);
    using Handler = typename net::async_result<net::use_awaitable_t<>, Signature>::handler_type;
    auto waiting = std::make_unique<std::optional<Handler>>();
    auto* const place = waiting.get();
    run(source, std::move(work), [waiting = std::move(waiting)](std::optional<R> result) {
      if (!*waiting) return;  // there was no memory to wait
      auto handler = std::move(**waiting);
      waiting->reset();
      std::move(handler)(std::move(result));
    });
    auto start_waiting = [](Handler handler, std::optional<Handler>* where) {
      where->emplace(std::move(handler));
    };
    auto result = co_await net::async_initiate<const net::use_awaitable_t<>, Signature>(
        start_waiting, net::use_awaitable, place);
    if (!result) throw std::bad_alloc();
    co_return std::move(*result);
  }

  std::size_t waiting() const { return queue_.size(); }
  // Forgets what waits; nobody hears of it.
  void clear() { queue_.clear(); }

 private:
  using Clock = std::chrono::steady_clock;
  using Job = std::move_only_function<void(bool possible)>;
  template <class R>
  struct Timed {
    R result;
    Clock::duration took;  // on its thread
  };

  static constexpr Clock::duration quick = std::chrono::milliseconds(5);

  template <class Work>
  static auto timed(Work work) {
    return [work = std::move(work)]() mutable {
      const auto began = Clock::now();
      auto result = work();
      return Timed<std::invoke_result_t<Work&>>{std::move(result), Clock::now() - began};
    };
  }

  void finished(const Source& source, bool quickly) {
    --under_way_;
    queue_.done(source, quickly);
    start(false);
  }

  // Nothing can begin for whoever asks but what was asked for: all else would have begun before.
  void start(bool asked) {
    while (under_way_ < most_) {
      auto next = queue_.take();
      if (!next) return;
      ++under_way_;
      try {
        next->item(true);
      } catch (const std::exception&) {
        --under_way_;
        queue_.done(next->source);
        if (asked) throw;
        next->item(false);
      }
    }
  }

  Workers& workers_;
  const std::size_t most_;
  FairQueue<Job> queue_;
  std::size_t under_way_ = 0;
};

}  // namespace server
