#include "server/loop/fair_workers.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <new>
#include <stdexcept>
#include <string>

using namespace server;

namespace {

const auto one = net::ip::make_address("192.0.2.1"), two = net::ip::make_address("192.0.2.2");

struct Bench {
  net::io_context loop;
  Workers workers{loop, 4};
  FairWorkers fair{workers, 2, 1};
  std::atomic<int> under_way = 0, most = 0;
  std::string order;

  void ask(const net::ip::address& source, char name) {
    fair.run(
        source,
        [this] {
          const int now = ++under_way;
          int before = most;
          while (before < now && !most.compare_exchange_weak(before, now)) continue;
          --under_way;
          return true;
        },
        [this, name](std::optional<bool> result) { order += result ? name : '!'; });
  }
  net::awaitable<void> await(char name, bool fails = false) {
    const auto work = [name, fails]() -> char {
      return fails ? throw std::runtime_error("no memory") : name;
    };
    try {
      const auto result = co_await fair.run(one, work);
      order += result;
    } catch (const std::bad_alloc&) {
      order += '!';
    }
  }
  void run() {
    auto guard = net::make_work_guard(loop);
    while (workers.busy() > 0 || fair.waiting() > 0) loop.run_one();
  }
};

}  // namespace

TEST_CASE("fair workers do all of it, in each address's own order, one of an address at a time") {
  Bench bench;
  for (const char name : {'a', 'b', 'c', 'd', 'e', 'f'}) bench.ask(one, name);
  CHECK(bench.fair.waiting() == 5);
  bench.run();
  CHECK(bench.order == "abcdef");
  CHECK(bench.most == 1);
}

TEST_CASE("fair workers let another address in before the rest of the first") {
  Bench bench;
  for (int i = 0; i < 100; ++i) bench.ask(one, 'a');
  bench.ask(two, 'x');
  bench.run();
  CHECK(bench.order.size() == 101);
  CHECK(bench.order.find('x') < 50);
  CHECK(bench.most <= 2);
}

TEST_CASE("fair workers go on after work that threw, which is told once") {
  Bench bench;
  std::string order;
  bench.fair.run(
      one, []() -> bool { throw std::runtime_error("no memory"); },
      [&](std::optional<bool> result) { order += result ? 'a' : '!'; });
  bench.ask(one, 'b');
  int thrown = 0;
  auto guard = net::make_work_guard(bench.loop);
  while (bench.workers.busy() > 0 || bench.fair.waiting() > 0) {
    try {
      bench.loop.run_one();
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  CHECK(order == "!");
  CHECK(bench.order == "b");
  CHECK(thrown == 1);
}

TEST_CASE("a coroutine waits for its turn, and gets what the work returned, or an exception") {
  Bench bench;
  const auto guard = net::make_work_guard(bench.loop);
  bench.ask(one, 'a');
  net::co_spawn(bench.loop, bench.await('b'), net::detached);
  net::co_spawn(bench.loop, bench.await('c', true), net::detached);
  net::co_spawn(bench.loop, bench.await('d'), net::detached);
  CHECK_THROWS_AS((bench.loop.poll(), bench.run()), std::runtime_error);
  bench.run();
  CHECK(bench.order == "ab!d");
}
