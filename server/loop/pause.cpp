#include "server/loop/pause.hpp"

#include <utility>

#include "server/loop/succeeds.hpp"

namespace server {

net::awaitable<void> Pause::wait(std::chrono::steady_clock::duration time) {
  timer_.expires_after(time);
  auto start = [this](Handler handler) {
    waiting_.emplace(std::move(handler));
    begin();
  };
  co_await net::async_initiate<const net::use_awaitable_t<>, void()>(start, net::use_awaitable);
}

void Pause::begin() {
  const auto memory = memory_.allocator();
  const bool waits = succeeds(
      [&] { timer_.async_wait(net::bind_allocator(memory, [this](const error_code&) { over(); })); });
  if (!waits) net::post(loop_, net::bind_allocator(memory, [this] { over(); }));
}

void Pause::over() {
  auto handler = std::move(*waiting_);
  waiting_.reset();
  std::move(handler)();
}

}  // namespace server
