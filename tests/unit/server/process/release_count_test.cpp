#include "server/process/release_count.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <optional>

#include "server/loop/workers.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using namespace std::chrono_literals;

namespace {

struct House {
  test::TempDir directory;
  storage::Depot depot{directory.path()};
  storage::LiveCatalogue catalogue{depot};
  net::io_context loop;
  Workers explaining{loop, 1};
  ReleaseCount releases{explaining, catalogue};
  ReleaseCount::Clock::time_point now{1h};

  void publish(const std::string& release) const {
    directory.write("images/EWC/" + release + "/ap1g8", "image");
  }
  std::optional<std::size_t> latest_after(ReleaseCount::Clock::duration pause) {
    now += pause;
    return releases.latest(now);
  }
  bool counts() const { return explaining.busy() > 0; }
  void wait_for_count() {
    const auto guard = net::make_work_guard(loop);
    const auto end = std::chrono::steady_clock::now() + 60s;
    loop.restart();
    while (counts()) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      loop.run_one_for(100ms);
    }
  }
};

}  // namespace

TEST_CASE("releases are counted when somebody asks, and told to who asks after that") {
  House house;
  house.publish("17_9_4a");
  house.publish("17_12_1");
  CHECK_FALSE(house.counts());
  CHECK_FALSE(house.latest_after(0s));
  CHECK(house.counts());
  house.wait_for_count();
  CHECK(house.latest_after(0s) == 2);
  CHECK_FALSE(house.counts());
}

TEST_CASE("a depot without a release has none, which is not the same as a depot that was not counted") {
  House house;
  CHECK(house.latest_after(0s) == std::nullopt);
  house.wait_for_count();
  CHECK(house.latest_after(0s) == 0);
}

TEST_CASE("ten seconds after a count began the next one may begin, and not before") {
  House house;
  house.publish("17_9_4a");
  house.latest_after(0s);
  house.wait_for_count();
  house.publish("17_12_1");
  CHECK(house.latest_after(10s - 1ns) == 1);
  CHECK_FALSE(house.counts());
  CHECK(house.latest_after(1ns) == 1);  // the old number, until the new one is there
  CHECK(house.counts());
  house.wait_for_count();
  CHECK(house.latest_after(0s) == 2);
  CHECK_FALSE(house.counts());
}

TEST_CASE("while releases are counted nobody begins it again, however long that takes") {
  House house;
  std::promise<void> release;
  house.explaining.post([held = release.get_future().share()] { held.wait(); });
  house.latest_after(0s);
  CHECK(house.explaining.busy() == 2);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(house.latest_after(1h));
  CHECK(house.explaining.busy() == 2);
  release.set_value();
  house.wait_for_count();
  house.latest_after(0s);
  CHECK(house.explaining.busy() == 1);  // it is time again
  house.wait_for_count();
}

TEST_CASE("images that cannot be opened leave the number as it was, and are counted once they can") {
  House house;
  house.publish("17_9_4a");
  house.latest_after(0s);
  house.wait_for_count();
  std::filesystem::rename(house.depot.images(), house.directory / "elsewhere");
  CHECK(house.latest_after(10s) == 1);
  house.wait_for_count();
  CHECK(house.latest_after(10s) == 1);
  house.wait_for_count();
  std::filesystem::rename(house.directory / "elsewhere", house.depot.images());
  house.publish("17_12_1");
  house.latest_after(10s);
  house.wait_for_count();
  CHECK(house.latest_after(0s) == 2);
}
