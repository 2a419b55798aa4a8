#include "server/loop/pause.hpp"

#include <doctest/doctest.h>

using namespace server;
using namespace std::chrono_literals;

namespace {

net::awaitable<void> wait(Pause& pause, std::chrono::steady_clock::duration time, int& waits) {
  for (;;) {
    co_await pause.wait(time);
    ++waits;
  }
}

}  // namespace

TEST_CASE("a pause ends when its time is over, and may begin anew") {
  net::io_context loop;
  Pause pause(loop);
  int waits = 0;
  net::co_spawn(loop, wait(pause, 0s, waits), net::detached);
  while (waits < 3) loop.run_one();
  CHECK(waits == 3);
}

TEST_CASE("a pause that is ended is over at once") {
  net::io_context loop;
  Pause pause(loop);
  int waits = 0;
  net::co_spawn(loop, wait(pause, 24h, waits), net::detached);
  loop.poll();
  CHECK(waits == 0);
  pause.end();
  loop.poll();
  CHECK(waits == 1);
}
