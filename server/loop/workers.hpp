#pragma once
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "server/loop/net.hpp"
#include "server/loop/one_thread.hpp"
#include "server/loop/reserved_memory.hpp"

namespace server {

// What to tell of work that threw.
constexpr auto out_of_memory = "the server is short of memory";

// Threads for what would block the loop: disks, digests, password hashes. What the work returns comes back on
// the loop. Work answers with values; should it throw after all (memory is short), whoever waits for it still
// hears: what it takes to tell him is set aside before the work begins. Made and used on the loop's thread.
class Workers {
 public:
  Workers(net::io_context& loop, std::size_t threads) : loop_(loop), pool_(threads) {}

  // Calls `then` on the loop with what `work` returned; with nothing when it threw, and then the exception
  // leaves the loop's run(), where it is told. Throws when there is no memory to begin: `then` hears nothing.
  template <class Work, class Then>
  void run(Work work, Then then) {
    auto tell = [then = std::move(then)](const std::exception_ptr& error, auto&& result) mutable {
      then(std::forward<decltype(result)>(result));
      if (error) std::rethrow_exception(error);
    };
    begin(std::make_unique<JobOf<Work, decltype(tell)>>(*this, std::move(work), std::move(tell)));
  }

  // The same for work that nobody waits for.
  template <class Work>
  void post(Work work) {
    auto perform = [work = std::move(work)]() mutable {
      work();
      return true;
    };
    begin(std::make_unique<JobOf<decltype(perform), Unheard>>(*this, std::move(perform), Unheard{}));
  }

  // The same for a coroutine, which gets the exception. Asio would drop one that cannot begin to wait,
  // without a word: all that it takes is there before it does. `work` is a variable of the caller's: g++ 12
  // destroys twice what a lambda within a co_await's own expression holds.
  template <class Work>
  net::awaitable<std::invoke_result_t<Work&>> run(Work work) {
    using R = std::invoke_result_t<Work&>;
    using Signature = void(std::exception_ptr, std::optional<R>);
    using Handler = typename net::async_result<net::use_awaitable_t<>, Signature>::handler_type;
    auto job = std::make_unique<JobOf<Work, Handler>>(*this, std::move(work));
    auto start = [](Handler handler, std::unique_ptr<JobOf<Work, Handler>>* waiting) {
      (*waiting)->handler.emplace(std::move(handler));
      begin(std::move(*waiting));
    };
    auto result = co_await net::async_initiate<const net::use_awaitable_t<>, Signature>(
        start, net::use_awaitable, &job);
    co_return std::move(*result);
  }

  std::size_t busy() const { return busy_; }

 private:
  struct Unheard {
    void operator()(const std::exception_ptr& error, const std::optional<bool>&) const {
      if (error) std::rethrow_exception(error);
    }
  };

  // In one piece, so that nothing of it is copied on its way. Asio knows this base alone: to hand over each
  // kind of work by itself took most of the time that it took to compile.
  struct Job {
    explicit Job(Workers& w) : workers(w) {}
    virtual ~Job() = default;
    virtual void perform() noexcept = 0;  // on a worker
    virtual void tell() = 0;              // on the loop; may throw

    Workers& workers;
    ReservedMemory memory;  // for the way to the pool, and then for the way back
  };

  template <class Work, class Handler>
  struct JobOf final : Job {
    JobOf(Workers& w, Work&& what) : Job(w), work(std::move(what)) {}
    JobOf(Workers& w, Work&& what, Handler&& whom) : JobOf(w, std::move(what)) {
      handler.emplace(std::move(whom));
    }

    void perform() noexcept override {
      try {
        result.emplace((*work)());
      } catch (...) {
        error = std::current_exception();
      }
      work.reset();  // what it holds, a file for instance, is not let go of on the loop
    }
    void tell() override { (*handler)(error, std::move(result)); }

    std::optional<Work> work;
    std::optional<Handler> handler;
    std::optional<std::invoke_result_t<Work&>> result;
    std::exception_ptr error;
  };

  static void begin(std::unique_ptr<Job> job);

  net::io_context& loop_;
  net::thread_pool pool_;
  std::size_t busy_ = 0;
  OneThread thread_;
};

}  // namespace server
