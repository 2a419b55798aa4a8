#include "storage/releases/releases.hpp"

#include <doctest/doctest.h>

#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/published.hpp"
#include "tests/support/temp_dir.hpp"

using storage::Catalogue;

namespace {

const std::string digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

struct Depot {
  test::TempDir dir;
  storage::Depot depot{dir.path()};

  void write(const std::string& name, std::string_view content) const {
    dir.write("images/" + name, content);
  }
  std::vector<storage::Release> releases() const {
    std::vector<std::string> warnings;
    auto releases = storage::releases_in(depot, Catalogue(storage::Root(depot.images())), warnings);
    CHECK(warnings.empty());
    return releases;
  }
  std::vector<std::string> paths_named(std::string_view wanted) const {
    const Catalogue catalogue{storage::Root(depot.images())};
    std::vector<std::string> paths;
    for (const auto* shelf : storage::releases_named(catalogue, wanted)) paths.push_back(shelf->path.text());
    return paths;
  }
};

}  // namespace

TEST_CASE("a release tells every spelling of its version, and what was imported of it") {
  const Depot depot;
  depot.write("EWC/17_9_4a/ap1g8", "image");
  depot.write("EWC/17_9_4a/ap1g7", "changed since");
  depot.write("EWC/17_9_4a/controller_version.info", "17.09.04a.0.6");
  depot.write("EWC/17_9_4a/version.info", "17.9.4.27\n");
  storage::Manifest manifest;
  manifest.path = "/EWC/17_9_4a";
  manifest.imported_at = "2026-11-20T11:10:23Z";
  manifest.members = {{"ap1g7", 5, digest}, {"ap1g8", 5, digest}};
  manifest.verified = false;
  const auto file = storage::manifest_of(depot.depot, manifest.path);
  std::filesystem::create_directories(file.parent_path());
  storage::save(manifest, file);

  const auto releases = depot.releases();
  REQUIRE(releases.size() == 1);
  const auto& release = releases.front();
  CHECK(release.product == "EWC");
  CHECK(release.version->joined('.') == "17.9.4a");
  CHECK(release.spellings ==
        std::vector<std::string>{"17.9.4a", "17.09.04a", "17_9_4a", "17.9.4.27", "17.09.04a.0.6"});
  REQUIRE(release.images.size() == 4);
  CHECK_FALSE(release.images[0].sha256);  // ap1g7 has another size by now
  CHECK(release.images[1].sha256 == digest);
  CHECK(release.imported_at == manifest.imported_at);
  CHECK(release.verified == false);
}

TEST_CASE("what was put there by hand is a release too; pointers and uploads are none") {
  const Depot depot;
  depot.write("ME_8_10_185_0/ap1g4", "image");
  depot.write("EWC/stable/ap1g8", "image");
  depot.write("EWC/stable/controller_version.info", "17.09.04a.0.6");
  depot.write("Aruba/8_6_0_4/ArubaOS_72xx_8.6.0.4_74969", "image");
  depot.write("uploads/x", "");
  depot.write("boot.cfg", "");
  depot.write("EWC/current", "stable\n");

  const auto releases = depot.releases();
  REQUIRE(releases.size() == 3);
  CHECK(releases[0].path.text() == "/Aruba/8_6_0_4");
  CHECK(releases[0].spellings == std::vector<std::string>{"8.6.0.4", "8_6_0_4"});
  CHECK(releases[1].path.text() == "/EWC/stable");
  CHECK(releases[1].current);
  CHECK(releases[1].version->joined('.') == "17.9.4a");  // its content says so
  CHECK_FALSE(releases[1].imported_at);
  CHECK_FALSE(releases[1].verified);
  CHECK(releases[2].path.text() == "/ME_8_10_185_0");
}

TEST_CASE("the folder of what nobody knows is never a release, whatever lies in it") {
  const Depot depot;
  depot.write("other/ap1g7", "image");
  depot.write("other/ap1g8", "image");
  depot.write("other/controller_version.info", "17.09.04a.0.6");
  depot.write("EWC/17_12_1/ap1g8", "image");
  const auto releases = depot.releases();
  REQUIRE(releases.size() == 1);
  CHECK(releases[0].path.text() == "/EWC/17_12_1");
}

TEST_CASE("they are in the order of products and numbers") {
  const Depot depot;
  for (const auto* name : {"EWC/17_12_1", "EWC/17_9_4a", "EWC/17_9_4", "EWC/17_9_5", "Aruba/99_1"})
    depot.write(std::string(name) + "/ap1g8", "");
  std::vector<std::string> paths;
  for (const auto& release : depot.releases()) paths.push_back(release.path.text());
  CHECK(paths == std::vector<std::string>{"/Aruba/99_1", "/EWC/17_9_4", "/EWC/17_9_4a", "/EWC/17_9_5",
                                          "/EWC/17_12_1"});
}

TEST_CASE("a release is named by its path and by any spelling that is its own") {
  const Depot depot;
  depot.write("EWC/17_9_4a/ap1g8", "");
  depot.write("EWC/17_9_4a/controller_version.info", "17.09.04a.0.6");
  depot.write("EWC/17_9_4a/version.info", "17.9.4.27\n");
  depot.write("EWC/17_12_1/ap1g8", "");
  depot.write("ME/17_12_1/ap1g8", "");
  for (const auto* wanted : {"/EWC/17_9_4a", "EWC/17_9_4a", "17_9_4a", "17.9.4a", "17.09.04A", "17.9.4.27",
                             "17.09.04a.0.6", "EWC_17_9_4a", "ewc/17.09.04a"}) {
    CAPTURE(wanted);
    CHECK(depot.paths_named(wanted) == std::vector<std::string>{"/EWC/17_9_4a"});
  }
  CHECK(depot.paths_named("17.12.1").size() == 2);
  CHECK(depot.paths_named("/ME/17_12_1") == std::vector<std::string>{"/ME/17_12_1"});
  for (const auto* wanted : {"17.9.4", "17.9.4b", "ME/17_9_4a", "EWC", "/", "", "a:b"}) {
    CAPTURE(wanted);
    CHECK(depot.paths_named(wanted).empty());
  }
}
