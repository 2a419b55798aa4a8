#pragma once
#include <chrono>
#include <optional>

#include "server/loop/net.hpp"
#include "server/loop/reserved_memory.hpp"

namespace server {

// A wait of a coroutine that goes on whatever happens. Asio drops a coroutine, without a word, when there is
// no memory for its wait to begin: this one then ends with the loop's next turn instead. One wait at a time.
// Lives on the loop, and must outlive the coroutine.
class Pause {
 public:
  explicit Pause(net::io_context& loop) : loop_(loop), timer_(loop) {}

  net::awaitable<void> wait(std::chrono::steady_clock::duration time);
  void end() { timer_.cancel(); }  // at once

 private:
  using Handler = net::async_result<net::use_awaitable_t<>, void()>::handler_type;
  void begin();
  void over();

  net::io_context& loop_;
  net::steady_timer timer_;
  std::optional<Handler> waiting_;
  const WaitMemory memory_;
};

}  // namespace server
