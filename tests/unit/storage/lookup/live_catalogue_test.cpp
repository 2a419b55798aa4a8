#include "storage/lookup/live_catalogue.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "storage/depot/depot.hpp"
#include "storage/lookup/catalogue.hpp"
#include "storage/lookup/lookup.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"

using storage::LiveCatalogue;
using storage::Path;
namespace fs = std::filesystem;

namespace {

struct Depot {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  LiveCatalogue live{depot};

  Depot() { write("EWC/17_9_4a/ap1g8", "image"); }
  void write(const std::string& name, std::string_view content) const {
    dir.write("images/" + name, content);
  }
  fs::path image(const std::string& name) const { return depot.images() / name; }
  bool has(std::string_view path) { return live.now()->shelf(*Path::parse(path)) != nullptr; }
};

}  // namespace

TEST_CASE("nothing is scanned again while nothing changes") {
  Depot depot;
  const auto first = depot.live.now();
  CHECK(depot.live.now() == first);
  depot.write("EWC/17_9_4a/ap1g7", "image");
  CHECK(depot.live.now() != first);
}

TEST_CASE("whatever changes is seen by who asks next") {
  Depot depot;
  CHECK(depot.has("/EWC/17_9_4a"));

  depot.write("EWC/17_12_1/ap1g8", "image");
  CHECK(depot.has("/EWC/17_12_1"));

  fs::rename(depot.image("EWC/17_12_1"), depot.image("EWC/17_12_2"));
  CHECK_FALSE(depot.has("/EWC/17_12_1"));
  CHECK(depot.has("/EWC/17_12_2"));

  fs::remove(depot.image("EWC/17_12_2/ap1g8"));
  CHECK_FALSE(depot.has("/EWC/17_12_2"));

  depot.write("EWC/current", "17_9_4a\n");
  CHECK(depot.has("/EWC/current"));
  CHECK(depot.live.now()->shelf(*Path::parse("/EWC/17_9_4a"))->promoted);
  depot.write("EWC/current", "17_9_5\n");
  CHECK_FALSE(depot.has("/EWC/current"));
  fs::remove(depot.image("EWC/current"));
  if (test::make_link("17_9_4a", depot.image("EWC/current"))) {
    CHECK(depot.has("/EWC/current"));
    CHECK(depot.live.now()->shelf(*Path::parse("/EWC/17_9_4a"))->promoted);
  }

  depot.write("EWC/17_9_4a/version.info", "17.9.4.27");
  CHECK(depot.live.now()->shelf(*Path::parse("/EWC/17_9_4a"))->ap_version == "17.9.4.27");
  depot.write("EWC/17_9_4a/version.info", "17.9.4.28");
  CHECK(depot.live.now()->shelf(*Path::parse("/EWC/17_9_4a"))->ap_version == "17.9.4.28");

  depot.dir.write("rejected/more.zip", "no zip");
  CHECK(depot.live.now()->archives().size() == 1);
}

TEST_CASE("another images/ in the old one's place is another catalogue") {
  Depot depot;
  CHECK(depot.has("/EWC/17_9_4a"));
  fs::rename(depot.depot.images(), depot.dir / "old");
  CHECK(depot.live.now() == nullptr);
  depot.write("ME/8_10_185_0/ap1g4", "image");
  CHECK(depot.has("/ME/8_10_185_0"));
  CHECK_FALSE(depot.has("/EWC/17_9_4a"));
}

TEST_CASE("a user's own root has a catalogue of its own") {
  Depot depot;
  depot.write("ME/8_10_185_0/ap1g4", "image");
  const auto ewc = depot.live.now(*Path::parse("/EWC"));
  REQUIRE(ewc);
  CHECK(ewc->shelf(*Path::parse("/17_9_4a")));
  CHECK(ewc->shelves().size() == 1);
  CHECK(depot.live.now()->shelves().size() == 2);
  CHECK(depot.live.now(*Path::parse("/nowhere")) == nullptr);
}
