#include "storage/releases/retire.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/current.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/promote.hpp"
#include "storage/releases/published.hpp"
#include "storage/releases/releases.hpp"
#include "tests/support/temp_dir.hpp"

using storage::Current;
using storage::Path;
namespace fs = std::filesystem;

namespace {

Path path(std::string_view text) { return *Path::parse(text); }

struct Depot {
  test::TempDir dir;
  storage::Depot depot{dir.path()};

  void by_hand(const std::string& release) const { dir.write("images" + release + "/ap1g8", "image"); }
  void imported(const std::string& release) const {
    by_hand(release);
    storage::Manifest manifest;
    manifest.path = release;
    manifest.imported_at = "2026-11-20T11:10:23Z";
    const auto file = storage::manifest_of(depot, release);
    fs::create_directories(file.parent_path());
    storage::save(manifest, file);
  }
  bool serves(const std::string& name) const {
    return storage::Root(depot.images()).attributes(path(name)).has_value();
  }
  std::vector<std::string> keep(std::size_t count, const std::string& published) const {
    std::vector<std::string> problems, paths;
    for (const auto& retired : storage::retire_oldest(depot, published, count, problems))
      paths.push_back(retired.path);
    CHECK(problems.empty());
    return paths;
  }
};

}  // namespace

TEST_CASE("a retired release is out of sight, with its manifest, and can be read on") {
  const Depot depot;
  depot.imported("/EWC/17_9_4a");
  std::ifstream open(depot.depot.images() / "EWC/17_9_4a/ap1g8");

  const auto retired = storage::retire(depot.depot, path("/EWC/17_9_4a"), Current::kept);

  CHECK(retired.moved_to == "retired/EWC/17_9_4a");
  CHECK_FALSE(depot.serves("/EWC/17_9_4a"));
  CHECK(fs::exists(depot.dir / "retired/EWC/17_9_4a/ap1g8"));
  CHECK(fs::exists(depot.dir / "retired/EWC/17_9_4a.yaml"));
  CHECK_FALSE(fs::exists(storage::manifest_of(depot.depot, "/EWC/17_9_4a")));
  std::string content;
  open >> content;
  CHECK(content == "image");
}

TEST_CASE("one that is retired again lies beside the first") {
  const Depot depot;
  for (const auto* place : {"retired/EWC/17_9_4a", "retired/EWC/17_9_4a.2"}) {
    depot.imported("/EWC/17_9_4a");
    CHECK(storage::retire(depot.depot, path("/EWC/17_9_4a"), Current::kept).moved_to == place);
    CHECK(fs::exists(depot.dir / place));
  }
}

TEST_CASE("one that was brought back without its manifest is retired again beside that") {
  const Depot depot;
  depot.imported("/EWC/17_9_4a");
  storage::retire(depot.depot, path("/EWC/17_9_4a"), Current::kept);
  fs::rename(depot.dir / "retired/EWC/17_9_4a", depot.depot.images() / "EWC/17_9_4a");
  depot.imported("/EWC/17_9_4a");
  storage::promote(depot.depot, path("/EWC/17_9_4a"));

  CHECK(storage::retire(depot.depot, path("/EWC/17_9_4a"), Current::removed).moved_to ==
        "retired/EWC/17_9_4a.2");
  CHECK(fs::exists(depot.dir / "retired/EWC/17_9_4a.2.yaml"));
  CHECK(fs::exists(depot.dir / "retired/EWC/17_9_4a.yaml"));
  CHECK_FALSE(fs::exists(storage::manifest_of(depot.depot, "/EWC/17_9_4a")));
  CHECK_FALSE(fs::exists(fs::symlink_status(depot.depot.images() / "EWC/current")));
}

TEST_CASE("what current points at is retired only together with it") {
  const Depot depot;
  depot.imported("/EWC/17_9_4a");
  storage::promote(depot.depot, path("/EWC/17_9_4a"));

  CHECK_THROWS_AS(storage::retire(depot.depot, path("/EWC/17_9_4a"), Current::kept), storage::NotRetired);
  CHECK(depot.serves("/EWC/current/ap1g8"));

  storage::retire(depot.depot, path("/EWC/17_9_4a"), Current::removed);
  CHECK_FALSE(fs::exists(fs::symlink_status(depot.depot.images() / "EWC/current")));
}

TEST_CASE("a folder of releases is not retired with all that lies in it") {
  const Depot depot;
  depot.by_hand("/EWC/17_9_4a");
  depot.dir.write("images/EWC/notes.txt", "");
  CHECK_THROWS_AS(storage::retire(depot.depot, path("/EWC"), Current::kept), storage::NotRetired);
  CHECK(depot.serves("/EWC/17_9_4a/ap1g8"));
}

TEST_CASE("import.keep retires the oldest of the product, in the order of numbers") {
  const Depot depot;
  for (const auto* release : {"/EWC/17_12_1", "/EWC/17_9_4a", "/EWC/17_9_4", "/EWC/17_9_5", "/ME/8_5_1_0"})
    depot.imported(release);
  depot.by_hand("/EWC/16_12_8");

  CHECK(depot.keep(0, "/EWC/17_12_1").empty());
  CHECK(depot.keep(4, "/EWC/17_12_1").empty());
  CHECK(depot.keep(2, "/EWC/17_12_1") == std::vector<std::string>{"/EWC/17_9_4", "/EWC/17_9_4a"});
  CHECK(depot.serves("/EWC/16_12_8/ap1g8"));
  CHECK(depot.serves("/ME/8_5_1_0/ap1g8"));
}

TEST_CASE("import.keep says what it has retired before one that could not be") {
  const Depot depot;
  for (const auto* release : {"/EWC/17_12_1", "/EWC/17_9_5", "/EWC/17_9_4"}) depot.imported(release);
  depot.by_hand("/EWC/17_9_5/17_9_3");  // so that it is not a release to be moved away

  std::vector<std::string> problems;
  const auto retired = storage::retire_oldest(depot.depot, "/EWC/17_12_1", 1, problems);
  REQUIRE(retired.size() == 1);
  CHECK(retired.front().path == "/EWC/17_9_4");
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().starts_with("import.keep: old releases stay: /EWC/17_9_5 has releases in it"));
}

TEST_CASE("import.keep retires neither what was just published nor what is current") {
  const Depot depot;
  for (const auto* release : {"/EWC/17_12_1", "/EWC/17_9_4a", "/EWC/17_3_3"}) depot.imported(release);
  storage::promote(depot.depot, path("/EWC/17_9_4a"));

  CHECK(depot.keep(1, "/EWC/17_3_3") == std::vector<std::string>{"/EWC/17_12_1"});
  CHECK(depot.serves("/EWC/17_9_4a/ap1g8"));
  CHECK(depot.serves("/EWC/17_3_3/ap1g8"));
}
