#include "storage/releases/recorded_digests.hpp"

#include <doctest/doctest.h>

#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/published.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

const std::string digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

struct Depot {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  storage::RecordedDigests digests{depot};

  void record(std::uint64_t size, const std::string& imported_at = "2999-01-01T00:00:00Z") const {
    storage::Manifest manifest;
    manifest.path = "/EWC/17_9_4a";
    manifest.imported_at = imported_at;
    manifest.members = {{"ap1g8", size, digest}};
    const auto file = storage::manifest_of(depot, manifest.path);
    std::filesystem::create_directories(file.parent_path());
    storage::save(manifest, file);
  }
  std::optional<std::string> of(std::string_view text) {
    const auto path = storage::Path::parse(text).value();
    const auto file = storage::Root(depot.images()).open_file(path);
    return digests.sha256_of(path, file.value().at_open());
  }
};

}  // namespace

TEST_CASE("a file has the digest that its import recorded, by its release and by current") {
  Depot depot;
  depot.dir.write("images/EWC/17_9_4a/ap1g8", "image");
  depot.dir.write("images/EWC/17_9_4a/ap1g7", "image");
  depot.dir.write("images/EWC/current", "17_9_4a\n");
  std::filesystem::create_directory_symlink("17_9_4a", depot.dir / "images/EWC/newest");
  CHECK_FALSE(depot.of("/EWC/17_9_4a/ap1g8"));
  depot.record(5);
  CHECK(depot.of("/EWC/17_9_4a/ap1g8") == digest);
  CHECK(depot.of("/EWC/current/ap1g8") == digest);
  CHECK(depot.of("/EWC/newest/ap1g8") == digest);
  CHECK_FALSE(depot.of("/EWC/17_9_4a/ap1g7"));
}

TEST_CASE("a file that is another since has no digest") {
  Depot depot;
  depot.dir.write("images/EWC/17_9_4a/ap1g8", "image");
  depot.record(6);
  CHECK_FALSE(depot.of("/EWC/17_9_4a/ap1g8"));
  depot.record(5, "2001-01-01T00:00:00Z");
  CHECK_FALSE(depot.of("/EWC/17_9_4a/ap1g8"));
  depot.record(5, "nonsense");
  CHECK_FALSE(depot.of("/EWC/17_9_4a/ap1g8"));
}

TEST_CASE("a damaged manifest records nothing") {
  Depot depot;
  depot.dir.write("images/EWC/17_9_4a/ap1g8", "image");
  depot.record(5);
  CHECK(depot.of("/EWC/17_9_4a/ap1g8") == digest);
  depot.dir.write("state/manifests/EWC/17_9_4a.yaml", "{");
  CHECK_FALSE(depot.of("/EWC/17_9_4a/ap1g8"));
}
