#include "server/loop/workers.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>

using namespace server;

namespace {

struct Bench {
  net::io_context loop{1};
  Workers workers{loop, 1};

  void work_off() {
    const auto guard = net::make_work_guard(loop);
    while (workers.busy() > 0) loop.run_one();
  }
};

net::awaitable<void> ask(Workers& workers, std::string& answer, bool fails) {
  auto work = [fails]() -> std::string { return fails ? throw std::bad_alloc() : "done"; };
  answer = co_await workers.run(std::move(work));
}

}  // namespace

TEST_CASE("what work returns comes back on the loop") {
  Bench bench;
  std::optional<std::string> heard;
  std::thread::id where;
  bench.workers.run([] { return std::string("done"); },
                    [&](std::optional<std::string> result) {
                      heard = std::move(result);
                      where = std::this_thread::get_id();
                    });
  CHECK(bench.workers.busy() == 1);
  bench.work_off();
  CHECK(heard == "done");
  CHECK(where == std::this_thread::get_id());
}

TEST_CASE("who waits for work that throws hears nothing, and then the loop has the exception") {
  Bench bench;
  bool heard = false;
  bench.workers.run([]() -> int { throw std::bad_alloc(); },
                    [&](std::optional<int> result) { heard = !result; });
  CHECK_THROWS_AS(bench.work_off(), std::bad_alloc);
  CHECK(heard);
  CHECK(bench.workers.busy() == 0);
}

TEST_CASE("a coroutine gets what work returned, or the exception") {
  for (const bool fails : {false, true}) {
    Bench bench;
    std::string answer;
    std::exception_ptr error;
    net::co_spawn(bench.loop, ask(bench.workers, answer, fails),
                  [&](const std::exception_ptr& broken) { error = broken; });
    bench.loop.poll();
    bench.loop.restart();
    bench.work_off();
    CHECK(answer == (fails ? "" : "done"));
    CHECK(static_cast<bool>(error) == fails);
    CHECK(bench.workers.busy() == 0);
  }
}

TEST_CASE("what work holds is let go of by the worker, for to close a file may take long") {
  Bench bench;
  std::thread::id where;
  const auto note = [&where](int* held) {
    where = std::this_thread::get_id();
    delete held;
  };
  bench.workers.run([held = std::shared_ptr<int>(new int(1), note)] { return *held; }, [](auto) {});
  bench.work_off();
  CHECK(where != std::thread::id());
  CHECK(where != std::this_thread::get_id());
}
