#include "server/process/images_watch.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/loop/workers.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

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
