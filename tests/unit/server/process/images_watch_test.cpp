#include "server/process/images_watch.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/events/warning.hpp"
#include "server/loop/workers.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

namespace {

void run_until_idle(net::io_context& loop, const Workers& workers) {
  const auto guard = net::make_work_guard(loop);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  loop.restart();
  while (workers.busy() > 0) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    loop.run_one_for(std::chrono::milliseconds(100));
  }
}

// Whether something is to come later, without a thing to do now.
bool waits(net::io_context& loop) {
  loop.restart();
  return loop.poll() == 0 && !loop.stopped();
}

}  // namespace

TEST_CASE("a name that nobody can ask for is told once, and again only for another one") {
  const test::TempDir directory;
  const storage::Depot depot(directory.path());
  storage::LiveCatalogue catalogue(depot);
  net::io_context loop;
  const auto guard = net::make_work_guard(loop);
  Workers workers(loop, 1);
  Events events;
  std::vector<std::string> told;
  events.listen([&](const Event& event) {
    if (const auto* warned = event.get_if<event::Warned>()) told.push_back(warned->text);
  });
  const auto look = [&](ImagesWatch& watch) {
    watch.look();
    while (workers.busy() > 0) loop.run_one();
  };

  directory.write("images/EWC/17_9_4a/ap1g8", "image");
  ImagesWatch watch(loop, workers, catalogue, events);
  look(watch);
  CHECK(told.empty());
  directory.write("images/EWC/17:9/ap1g8", "image");
  look(watch);
  REQUIRE(told.size() == 1);
  CHECK(told.front().starts_with("images/EWC/17:9 is not served: "));
  look(watch);
  directory.write("images/EWC/17_9_4a/ap1g7", "image");
  look(watch);
  CHECK(told.size() == 1);
  directory.write("images/EWC/a\\b", "image");
  look(watch);
  CHECK(told.size() == 2);
  watch.stop();
}

TEST_CASE("a look that is under way when the watch stops tells nothing, and is the last") {
  const test::TempDir directory;
  const storage::Depot depot(directory.path());
  storage::LiveCatalogue catalogue(depot);
  net::io_context loop;
  Workers workers(loop, 1);
  Events events;
  std::size_t told = 0;
  events.listen([&](const Event&) { ++told; });
  directory.write("images/EWC/17:9/ap1g8", "image");

  ImagesWatch watch(loop, workers, catalogue, events);
  watch.look();
  watch.stop();
  run_until_idle(loop, workers);
  CHECK(told == 0);
  CHECK_FALSE(waits(loop));
}

TEST_CASE("a watch waits for its next look until it stops, and holds up nobody after that") {
  const test::TempDir directory;
  const storage::Depot depot(directory.path());
  storage::LiveCatalogue catalogue(depot);
  net::io_context loop;
  Workers workers(loop, 1);
  Events events;
  ImagesWatch watch(loop, workers, catalogue, events);
  watch.look();
  run_until_idle(loop, workers);
  CHECK(waits(loop));
  watch.stop();
  loop.restart();
  loop.poll();
  CHECK_FALSE(waits(loop));
  CHECK(workers.busy() == 0);
}

TEST_CASE("a name in a folder that has gone meanwhile is told once all the same") {
  const test::TempDir directory;
  const storage::Depot depot(directory.path());
  storage::LiveCatalogue catalogue(depot);
  net::io_context loop;
  const auto guard = net::make_work_guard(loop);
  Workers workers(loop, 1);
  Events events;
  std::vector<std::string> told;
  events.listen([&](const Event& event) {
    if (const auto* warned = event.get_if<event::Warned>()) {
      CHECK(warned->kind == Warning::images);
      told.push_back(warned->text);
    }
  });
  ImagesWatch watch(loop, workers, catalogue, events);
  const auto look = [&] {
    watch.look();
    while (workers.busy() > 0) loop.run_one();
  };
  const auto file = directory.write("images/EWC/a:b", "image");
  look();
  CHECK(told.size() == 1);
  std::filesystem::remove(file);
  look();
  directory.write("images/EWC/a:b", "image");
  look();
  CHECK(told.size() == 1);
  std::filesystem::rename(depot.images(), directory / "elsewhere");
  look();
  CHECK(told.size() == 1);
  watch.stop();
}
