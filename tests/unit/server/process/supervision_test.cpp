#include "server/process/supervision.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/server/process/manager.hpp"

using namespace server;
using test::EnvironmentVariable;

namespace {

using Messages = std::vector<std::string>;

StatusLine::Numbers numbers() { return {1, 2, 3}; }

Messages run_until_heard(net::io_context& loop, test::Manager& manager, std::size_t count) {
  Messages all;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (all.size() < count) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    loop.run_one_for(std::chrono::milliseconds(100));
    for (auto& message : manager.heard()) all.push_back(std::move(message));
  }
  return all;
}

constexpr auto an_hour = "3600000000";

}  // namespace

TEST_CASE("without a service manager nothing is counted, and nothing waits") {
  const test::NoManager none;
  net::io_context loop;
  int asked = 0;
  Supervision supervision(loop, [&] { return ++asked, numbers(); });
  supervision.begin();
  CHECK(loop.poll() == 0);
  CHECK(loop.stopped());
  CHECK(asked == 0);
}

TEST_CASE(
    "a service manager is told the status at the beginning, and no sign of life that it does not want") {
  const test::NoManager none;
  test::Manager manager;
  net::io_context loop;
  Supervision supervision(loop, numbers);
  CHECK(manager.heard().empty());
  supervision.begin();
  CHECK(manager.heard() == Messages{"STATUS=1 transfer, 2 sessions, 3 releases\n"});
  CHECK(loop.poll() == 0);
  CHECK_FALSE(loop.stopped());  // it will look again
}

TEST_CASE("a watchdog is fed at the beginning, and again and again after half of its time") {
  const test::NoManager none;
  test::Manager manager;
  const EnvironmentVariable interval("WATCHDOG_USEC", "20000"),
      process("WATCHDOG_PID", std::to_string(::getpid()));
  net::io_context loop;
  Supervision supervision(loop, numbers);
  const auto start = std::chrono::steady_clock::now();
  supervision.begin();
  CHECK(manager.heard() == Messages{"WATCHDOG=1\n", "STATUS=1 transfer, 2 sessions, 3 releases\n"});
  const auto fed = run_until_heard(loop, manager, 5);
  CHECK(std::ranges::count(fed, "WATCHDOG=1\n") == 5);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(50));  // and not more often
}

TEST_CASE("a watchdog with a long time is not fed without end") {
  const test::NoManager none;
  test::Manager manager;
  const EnvironmentVariable interval("WATCHDOG_USEC", an_hour);
  net::io_context loop;
  Supervision supervision(loop, numbers);
  supervision.begin();
  CHECK(manager.heard().size() == 2);
  CHECK(loop.poll() == 0);
  CHECK(manager.heard().empty());
}

TEST_CASE("a watchdog that is not this process's, or has no time, is not fed") {
  struct Row {
    std::string interval;
    std::optional<std::string> process;
  };
  for (const auto& row : std::vector<Row>{{an_hour, "1"}, {"0", {}}, {"", {}}, {"soon", {}}, {"-5", {}}}) {
    CAPTURE(row.interval);
    const test::NoManager none;
    test::Manager manager;
    const EnvironmentVariable interval("WATCHDOG_USEC", row.interval), process("WATCHDOG_PID", row.process);
    net::io_context loop;
    Supervision supervision(loop, numbers);
    supervision.begin();
    CHECK(manager.heard() == Messages{"STATUS=1 transfer, 2 sessions, 3 releases\n"});
  }
}

TEST_CASE("a server that has no memory to count feeds its watchdog all the same") {
  const test::NoManager none;
  test::Manager manager;
  const EnvironmentVariable interval("WATCHDOG_USEC", "2000");
  net::io_context loop;
  Supervision supervision(loop, []() -> StatusLine::Numbers { throw std::bad_alloc(); });
  supervision.begin();
  const auto fed = run_until_heard(loop, manager, 4);
  CHECK(fed == Messages(fed.size(), "WATCHDOG=1\n"));
}

TEST_CASE("supervision that goes while it waits is not called any more") {
  const test::NoManager none;
  test::Manager manager;
  const EnvironmentVariable interval("WATCHDOG_USEC", "2000");
  net::io_context loop;
  {
    Supervision supervision(loop, numbers);
    supervision.begin();
  }
  manager.heard();
  loop.run_for(std::chrono::seconds(60));  // ends at once: nothing waits
  CHECK(loop.stopped());
  CHECK(manager.heard().empty());
}
