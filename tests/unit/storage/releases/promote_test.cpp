#include "storage/releases/promote.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/current.hpp"
#include "storage/releases/published.hpp"
#include "tests/support/host.hpp"
#include "tests/support/ntfs_rules.hpp"
#include "tests/support/temp_dir.hpp"

using storage::Path;
namespace fs = std::filesystem;

namespace {

Path path(std::string_view text) { return *Path::parse(text); }

struct Depot {
  test::TempDir dir;
  storage::Depot depot{dir.path()};

  Depot() {
    for (const auto* release : {"17_9_4a", "17_12_1"})
      dir.write(std::string("images/EWC/") + release + "/ap1g8", release);
  }
  fs::path current() const { return depot.images() / "EWC/current"; }
  bool promoted(const char* release) const { return storage::is_current(depot, path(release)); }
  bool serves(const char* name) const {
    return storage::Root(depot.images()).open_file(path(name)).has_value();
  }
};

std::string text_in(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE(
    "promote moves current from one release to the next, where nobody may make a link and files are open") {
  const Depot depot;
  const test::NtfsRules rules;
  for (const auto* release : {"/EWC/17_9_4a", "/EWC/17_12_1"}) {
    storage::promote(depot.depot, path(release));
    CHECK(depot.promoted(release));
    CHECK(text_in(depot.current()) == std::string(path(release).name()) + "\n");
    CHECK(fs::is_regular_file(fs::symlink_status(depot.current())));
    const auto open = storage::Root(depot.depot.images()).open_file(path("/EWC/current/ap1g8"));
    CHECK(open.value().at_open().size == path(release).name().size());
  }
  CHECK_FALSE(depot.promoted("/EWC/17_9_4a"));
  CHECK(storage::staging_areas(depot.depot).empty());
}

TEST_CASE("a link that an administrator made stays a link, and what it led to before is current no more") {
  const Depot depot;
  if (!test::make_link("17_12_1", depot.current())) return;
  CHECK(depot.promoted("/EWC/17_12_1"));

  storage::promote(depot.depot, path("/EWC/17_9_4a"));

  CHECK(fs::read_symlink(depot.current()) == "17_9_4a");
  CHECK(depot.promoted("/EWC/17_9_4a"));
  CHECK_FALSE(depot.promoted("/EWC/17_12_1"));
}

TEST_CASE("what somebody else called current is left alone") {
  const Depot depot;
  const auto refused = [&] {
    CHECK_THROWS_AS(storage::promote(depot.depot, path("/EWC/17_9_4a")), storage::NotPromoted);
  };
  depot.dir.write("images/EWC/current/ap1g8", "a folder");
  refused();
  CHECK(depot.serves("/EWC/current/ap1g8"));
  fs::remove_all(depot.current());

  depot.dir.write("images/EWC/current", "an image, of more than one line\n\x01\x02");
  refused();
  CHECK(depot.serves("/EWC/current"));
}

TEST_CASE("only a release that is there, and whose name fits on a line, becomes current") {
  const Depot depot;
  CHECK_THROWS_AS(storage::promote(depot.depot, path("/EWC/17_9_9")), storage::NotPromoted);
  depot.dir.write("images/EWC/two\nlines/ap1g8", "image");
  CHECK_THROWS_AS(storage::promote(depot.depot, path("/EWC/two\nlines")), storage::NotPromoted);
  depot.dir.write("images/EWC/current/ap1g8", "image");
  CHECK_THROWS_AS(storage::promote(depot.depot, path("/EWC/current")), storage::NotPromoted);
}
