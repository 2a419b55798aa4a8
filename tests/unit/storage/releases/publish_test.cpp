#include "storage/releases/publish.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "storage/archives/rejected.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/releases/published.hpp"
#include "tests/support/temp_dir.hpp"

using storage::Rejected;
using storage::Replace;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t most = 2000;

// A depot with a folder of single images, as of files that nobody knows.
struct Depot {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  const fs::path folder = depot.images() / "other", manifest_file = depot.manifests() / "other.yaml";

  static std::string name_of(std::size_t number) { return fmt::format("{:04}.img", number); }
  static storage::Origin origin(const std::string& name) {
    return {name, std::string(128, 'a'), std::string(32, 'b'), true};
  }

  static storage::Manifest manifest_of(const std::string& file) {
    storage::Manifest manifest;
    manifest.path = "/other";
    manifest.bundle = file;
    manifest.imported_at = "2026-11-20T11:10:23Z";
    return manifest;
  }

  void fill(std::size_t count) const {
    auto manifest = manifest_of("all.img");
    for (std::size_t i = 0; i < count; ++i) {
      dir.write("images/other/" + name_of(i), "x");
      manifest.members.push_back({name_of(i), 1, std::string(64, 'c')});
      manifest.origins.push_back(origin(name_of(i)));
    }
    storage::save(manifest, manifest_file);
  }
  bool publish(const std::string& name, Replace replace = Replace::no) const {
    const storage::StagingArea staging(depot);
    const auto staged = staging.content() / name;
    std::ofstream(staged) << "another";
    auto manifest = manifest_of(name);
    manifest.members = {storage::digested(staged)};
    manifest.origins = {origin(name)};
    std::vector<std::string> warnings;
    return storage::publish_image(depot, staged, manifest, replace, warnings);
  }
  std::string rejection(const std::string& name) const {
    try {
      publish(name);
      return "";
    } catch (const Rejected& rejected) {
      return rejected.what();
    }
  }
  storage::Manifest recorded() const { return storage::load_manifest(manifest_file).value(); }
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a folder takes so many single images, and more once some were moved out of it") {
  const Depot depot;
  depot.fill(most);

  CHECK(
      has(depot.rejection("new.img"), "other holds 2000 single images already: move some of them out of it"));
  CHECK_FALSE(fs::exists(depot.folder / "new.img"));
  CHECK(depot.recorded().members.size() == most);
  CHECK(depot.publish(Depot::name_of(7), Replace::yes));

  fs::remove(depot.folder / Depot::name_of(3));
  CHECK(depot.publish("new.img"));
  const auto manifest = depot.recorded();
  CHECK(manifest.members.size() == most);
  CHECK(manifest.origins.size() == most);
  CHECK(std::ranges::count(manifest.members, Depot::name_of(3), &storage::Member::name) == 0);
  CHECK_FALSE(depot.rejection("one more.img").empty());
}

TEST_CASE("a manifest that is too large to be read is not written over") {
  const Depot depot;
  depot.fill(1);
  fs::resize_file(depot.manifest_file, (64 << 20) + 1);

  CHECK(has(depot.rejection("new.img"), "other.yaml is too large to be read"));
  CHECK(fs::file_size(depot.manifest_file) == (64 << 20) + 1);
  CHECK_FALSE(fs::exists(depot.folder / "new.img"));
}
