#include "server/loop/batch_close.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "server/loop/workers.hpp"

using namespace server;

TEST_CASE("what is to be closed waits for others, and is closed by one worker, not by the loop") {
  net::io_context loop;
  Workers workers(loop, 2);
  BatchClose closing(loop, workers);
  std::atomic<int> closed = 0, by_loop = 0;
  const auto file = [&] {
    return std::shared_ptr<const void>(nullptr, [&, loops = std::this_thread::get_id()](auto) {
      ++closed;
      if (std::this_thread::get_id() == loops) ++by_loop;
    });
  };

  const auto guard = net::make_work_guard(loop);
  const auto run_until = [&](int wanted) {
    while (closed < wanted || workers.busy() > 0) loop.run_one();
  };

  for (int i = 0; i < 3; ++i) closing.add(file());
  CHECK(workers.busy() == 0);
  loop.run_one();
  CHECK(workers.busy() == 1);
  run_until(3);
  closing.add(file());
  run_until(4);
  CHECK(by_loop == 0);
}

TEST_CASE("what is still to be closed at the end is closed with the server") {
  int closed = 0;
  net::io_context loop;
  Workers workers(loop, 1);
  {
    BatchClose closing(loop, workers);
    closing.add(std::shared_ptr<const void>(nullptr, [&](auto) { ++closed; }));
  }
  CHECK(closed == 1);
}
