#pragma once
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>

#include "server/net.hpp"

namespace server {

// What to tell of work that threw.
constexpr auto out_of_memory = "the server is short of memory";

// Threads for what would block the loop: disks, digests, password hashes. What the work returns comes back on
// the loop. Work answers with values; should it throw after all (memory is short), whoever waits for it still
// hears. Made and used on the loop's thread.
class Workers {
 public:
  Workers(net::io_context& loop, std::size_t threads) : loop_(loop), pool_(threads) {}

  // Calls `then` on the loop with what `work` returned; with nothing when it threw, and then the exception
  // leaves the loop's run(), where it is told.
  template <class Work, class Then>
  void run(Work work, Then then) {
    deliver(std::move(work),
            [then = std::move(then)](const std::exception_ptr& error, auto&& result) mutable {
              then(std::forward<decltype(result)>(result));
              if (error) std::rethrow_exception(error);
            });
  }

  // The same for a coroutine, which gets the exception.
  template <class Work>
  net::awaitable<std::invoke_result_t<Work&>> run(Work work) {
    using R = std::invoke_result_t<Work&>;
    auto start = [this](auto handler, Work job) { deliver(std::move(job), std::move(handler)); };
    auto result = co_await net::async_initiate<const net::use_awaitable_t<>,
                                               void(std::exception_ptr, std::optional<R>)>(
        start, net::use_awaitable, std::move(work));
    co_return std::move(*result);
  }

  std::size_t busy() const { return busy_; }

 private:
  template <class Work, class Handler>
  void deliver(Work work, Handler handler) {
    ++busy_;
    net::post(pool_, [this, work = std::move(work), handler = std::move(handler)]() mutable {
      std::optional<std::invoke_result_t<Work&>> result;
      std::exception_ptr error;
      try {
        result.emplace(work());
      } catch (...) {
        error = std::current_exception();
      }
      net::post(loop_, [this, handler = std::move(handler), error, result = std::move(result)]() mutable {
        --busy_;
        handler(error, std::move(result));
      });
    });
  }

  net::io_context& loop_;
  net::thread_pool pool_;
  std::size_t busy_ = 0;
};

}  // namespace server
