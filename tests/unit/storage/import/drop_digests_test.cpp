#include "storage/import/drop_digests.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <ctime>

#include "storage/depot/depot.hpp"
#include "storage/releases/manifest.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using storage::Depot;
using storage::DroppedFile;
using storage::Fate;
using storage::KnownDigest;

namespace {

const std::string good(128, 'a'), bad(128, 'b');

struct Releases {
  test::TempDir dir;
  Depot depot{dir.path()};
  storage::OriginIndex index{depot};

  void publish(const std::string& release, const std::string& file, const std::string& sha512 = good) {
    fs::create_directories(depot.images() / "EWC" / release);
    fs::create_directories(depot.manifests() / "EWC");
    storage::Manifest manifest{
        "/EWC/" + release, file, "2026-11-20T11:10:23Z", "", "", {{"ap1g8", 3, std::string(64, 'd')}}};
    manifest.origins = {{file, sha512, std::string(32, 'c'), false}};
    manifest.verified = false;
    storage::save(manifest, manifest_file(release));
  }
  fs::path manifest_file(const std::string& release) const {
    return depot.manifests() / "EWC" / (release + ".yaml");
  }
  bool verified(const std::string& release) const {
    return storage::load_manifest(manifest_file(release))->verified;
  }
  std::vector<storage::ComparedDigest> compare(const std::string& list,
                                               const std::string& name = "SHA512SUMS") {
    dir.write("drop/" + name, list);
    return storage::compare_digests(depot, DroppedFile(depot, name), index);
  }
  bool is_there(const std::string& name) const { return fs::exists(depot.drop() / name); }
};

std::string line(const std::string& hex, const std::string& file) { return hex + "  " + file + "\n"; }

}  // namespace

TEST_CASE_FIXTURE(Releases, "a list is compared with all that it names, and taken away") {
  publish("17_1", "a.zip");
  publish("17_2", "b.zip");
  const auto compared = compare(line(good, "a.zip") + line(bad, "b.zip") + line(good, "unknown.zip"));
  REQUIRE(compared.size() == 2);
  CHECK((compared[0].file == "a.zip" && compared[0].path == "/EWC/17_1" && compared[0].matches));
  CHECK((compared[1].file == "b.zip" && compared[1].path == "/EWC/17_2" && !compared[1].matches));
  CHECK(verified("17_1"));
  CHECK_FALSE(verified("17_2"));
  CHECK_FALSE(is_there("SHA512SUMS"));
}

TEST_CASE_FIXTURE(Releases, "a list that names a file twice is answered once, and must be right both times") {
  publish("17_1", "a.zip");
  const auto compared = compare(line(bad, "a.zip") + line(good, "a.zip"));
  REQUIRE(compared.size() == 1);
  CHECK_FALSE(compared.front().matches);
}

TEST_CASE_FIXTURE(Releases,
                  "a list that is about nothing that was imported waits; so does one that is still needed") {
  publish("17_1", "a.zip");
  CHECK(compare(line(good, "later.zip")).empty());
  CHECK(is_there("SHA512SUMS"));
  dir.write("drop/later.zip", "x");
  CHECK(compare(line(good, "later.zip") + line(good, "a.zip")).size() == 1);
  CHECK(is_there("SHA512SUMS"));
}

TEST_CASE_FIXTURE(Releases, "the longest list beside many releases takes a moment of CPU") {
  for (int i = 0; i < 20; ++i) publish(fmt::format("17_{}", i), fmt::format("{}.zip", i));
  std::string list = line(good, "7.zip");
  for (int i = 0; i < 7000; ++i) list += line(bad, fmt::format("file{}.zip", i));
  const auto before = std::clock();
  CHECK(compare(list).size() == 1);
  CHECK(std::clock() - before < 10 * CLOCKS_PER_SEC);  // it was minutes
}

TEST_CASE_FIXTURE(Releases, "the index tells when a manifest came, changed or went, and only then") {
  const auto empty = index.refresh();
  CHECK(index.refresh() == empty);
  publish("17_1", "a.zip");
  const auto one = index.refresh();
  CHECK(one > empty);
  CHECK(index.refresh() == one);
  CHECK(index.manifests_of("a.zip") == std::vector{manifest_file("17_1")});
  publish("17_1", "b.zip");
  const auto changed = index.refresh();
  CHECK(changed > one);
  CHECK(index.manifests_of("a.zip").empty());
  fs::remove(manifest_file("17_1"));
  CHECK(index.refresh() > changed);
  CHECK(index.manifests_of("b.zip").empty());
}

TEST_CASE_FIXTURE(Releases, "a manifest that cannot be understood is nobody's") {
  publish("17_1", "a.zip");
  dir.write("state/manifests/EWC/17_2.yaml", "{");
  CHECK(compare(line(good, "a.zip")).size() == 1);
}

TEST_CASE_FIXTURE(Releases, "the digest file that an import heeded goes with it, and a newer one stays") {
  dir.write("drop/a.zip", "x");
  dir.write("drop/a.zip.sha512", good);
  std::optional<std::string> fault;
  const auto first = storage::digests_beside_drop(depot, "a.zip", fault);
  REQUIRE(first.size() == 1);
  CHECK(storage::digests_of(first, "a.zip").front().hex == good);
  fs::rename(dir.write("arriving", bad), depot.drop() / "a.zip.sha512");
  storage::take_away(depot, first, "a.zip", Fate::published, 0);
  CHECK(is_there("a.zip.sha512"));
  const auto second = storage::digests_beside_drop(depot, "a.zip", fault);
  storage::take_away(depot, second, "a.zip", Fate::published, 0);
  CHECK_FALSE(is_there("a.zip.sha512"));
  CHECK_FALSE(fault);
}

TEST_CASE_FIXTURE(Releases, "a rejected file's digest follows it while rejected/ has room") {
  dir.write("drop/a.zip.sha512", good);
  std::optional<std::string> fault;
  const auto files = storage::digests_beside_drop(depot, "a.zip", fault);
  dir.write("rejected/other", "x");
  storage::take_away(depot, files, "a.zip", Fate::rejected, 1);
  CHECK(is_there("a.zip.sha512"));
  storage::take_away(depot, files, "a.zip", Fate::rejected, 2);
  CHECK_FALSE(is_there("a.zip.sha512"));
  CHECK(fs::exists(depot.rejected() / "a.zip.sha512"));
}

TEST_CASE_FIXTURE(Releases, "a digest file without a digest in it is a fault of the file beside it") {
  dir.write("drop/a.zip.sha512", "no digest");
  std::optional<std::string> fault;
  CHECK(storage::digests_beside_drop(depot, "a.zip", fault).empty());
  CHECK(fault);
}
