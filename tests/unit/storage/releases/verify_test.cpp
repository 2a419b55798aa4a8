#include "storage/releases/verify.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "storage/depot/depot.hpp"
#include "storage/files/digest.hpp"
#include "storage/import/drop_digests.hpp"
#include "storage/import/import.hpp"
#include "storage/releases/manifest.hpp"
#include "tests/support/tar_writer.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/zip_writer.hpp"

namespace fs = std::filesystem;
using storage::Depot;
using storage::Path;

namespace {

constexpr auto bundle_name = "C9800-AP-universalk9.17.09.04a.zip";

bool has(const std::vector<std::string>& texts, std::string_view part) {
  return std::ranges::any_of(texts, [part](const auto& text) { return text.find(part) != text.npos; });
}

std::string digest(storage::DigestKind kind, const std::string& bytes) {
  storage::Digest digest(kind);
  digest.update(std::as_bytes(std::span(bytes)));
  return digest.hex();
}

struct Published {
  test::TempDir dir;
  Depot depot{dir / "depot"};
  const std::string archive = test::zip({{"ap1g7", "\x01 not a tar"},
                                         {"ap1g8", test::ap_image("eight")},
                                         {"controller_version.info", "17.09.04a.0.6"}});
  const Path release = Path::parse("/EWC/17_9_4a").value();

  Published() { storage::import_bundle(depot, dir.write(bundle_name, archive), {}); }
  fs::path file(const std::string& name) const { return depot.images() / "EWC/17_9_4a" / name; }
  storage::Verification verify() const { return storage::verify_release(depot, release); }
  bool verified() const { return storage::load_manifest(depot.manifests() / "EWC/17_9_4a.yaml")->verified; }
};

}  // namespace

TEST_CASE("a release as it was imported has no differences, and its doubts are told again") {
  const Published published;
  const auto found = published.verify();
  CHECK(found.differences.empty());
  CHECK(found.recorded);
  CHECK_FALSE(found.verified);
  CHECK(found.files == 3);
  CHECK(has(found.remarks, "\"ap1g7\" is not a tar"));
}

TEST_CASE("each difference is named, with what to do") {
  const Published published;
  std::ofstream(published.file("ap1g7")) << "\x01 NOT a tar";
  std::ofstream(published.file("controller_version.info")) << "x";
  fs::remove(published.file("ap1g8"));
  published.dir.write("depot/images/EWC/17_9_4a/mine", "x");
  const auto found = published.verify();
  CHECK(found.differences.size() == 3);
  CHECK(has(found.differences, "\"ap1g7\" is not what was imported"));
  CHECK(has(found.differences, "\"controller_version.info\" has 1 bytes, and had 13"));
  CHECK(has(found.differences, "\"ap1g8\" is missing"));
  CHECK(has(found.differences, "--replace"));
  CHECK(has(found.remarks, "\"mine\" was put there by hand"));
}

TEST_CASE("a release put there by hand is checked by its files' structure") {
  const test::TempDir dir;
  const Depot depot(dir.path());
  dir.write("images/EWC/17_9_4a/ap1g8", test::ap_image("eight").substr(0, 1300));
  const auto found = storage::verify_release(depot, Path::parse("/EWC/17_9_4a").value());
  CHECK_FALSE(found.recorded);
  CHECK(has(found.differences, "is cut"));
  CHECK_THROWS_AS(storage::verify_release(depot, Path::parse("/EWC/17_9_5").value()), std::runtime_error);
}

TEST_CASE("a damaged manifest is a difference") {
  const Published published;
  std::ofstream(published.depot.manifests() / "EWC/17_9_4a.yaml") << "[";
  CHECK(has(published.verify().differences, "cannot be understood"));
}

TEST_CASE("what was imported is listed, there or gone, and nothing else") {
  const Published published;
  published.dir.write("depot/state/manifests/EWC/17_9_5.yaml", "a manifest without its release");
  CHECK(storage::imported_releases(published.depot).size() == 2);
}

TEST_CASE("a digest that comes after the import verifies the release, or says that it is another file") {
  const Published published;
  const auto drop = [&](const std::string& name, const std::string& text) {
    published.dir.write("depot/drop/" + name, text);
    storage::OriginIndex index(published.depot);
    return storage::compare_digests(published.depot, {published.depot, name}, index);
  };
  const auto sha = digest(storage::DigestKind::sha512, published.archive);
  CHECK_FALSE(published.verified());
  auto compared = drop(std::string(bundle_name) + ".sha512", sha);
  REQUIRE(compared.size() == 1);
  CHECK(compared[0].matches);
  CHECK(compared[0].path == "/EWC/17_9_4a");
  CHECK(published.verified());
  CHECK(fs::is_empty(published.depot.drop()));
  compared = drop("SHA512SUMS", std::string(128, 'a') + "  " + bundle_name + "\n");
  CHECK_FALSE(compared.at(0).matches);
  CHECK_FALSE(published.verified());
  CHECK(drop(std::string(bundle_name) + ".md5", digest(storage::DigestKind::md5, published.archive))[0]
            .matches);
  CHECK(published.verified());
}

TEST_CASE("a digest about nothing that is there waits; one without a digest is refused") {
  const Published published;
  storage::OriginIndex index(published.depot);
  published.dir.write("depot/drop/later.zip.sha512", std::string(128, 'a'));
  CHECK(storage::compare_digests(published.depot, {published.depot, "later.zip.sha512"}, index).empty());
  CHECK(fs::exists(published.depot.drop() / "later.zip.sha512"));
  published.dir.write("depot/drop/bad.zip.md5", "x");
  CHECK_THROWS_AS(storage::compare_digests(published.depot, {published.depot, "bad.zip.md5"}, index),
                  storage::Rejected);
}

TEST_CASE("digest files go with their file, unless another one in drop/ needs them") {
  const Published published;
  const auto lies = [&](const std::string& name) { return fs::exists(published.depot.drop() / name); };
  const std::string hex(128, 'a');
  published.dir.write("depot/drop/a.zip.sha512", hex);
  published.dir.write("depot/drop/b.zip.sha512", hex);
  published.dir.write("depot/drop/SHA512SUMS", hex + "  a.zip\n" + hex + "  b.zip\n");
  published.dir.write("depot/drop/b.zip", "still there");
  std::optional<std::string> fault;
  const auto about_a = storage::digests_beside_drop(published.depot, "a.zip", fault);
  REQUIRE(about_a.size() == 2);
  CHECK(about_a[0].file.name() == "SHA512SUMS");
  CHECK(about_a[1].file.name() == "a.zip.sha512");
  published.dir.write("depot/drop/a.zip.md5", std::string(32, 'a'));  // comes while a.zip is imported
  storage::take_away(published.depot, about_a, "a.zip", storage::Fate::published, 10);
  CHECK_FALSE(lies("a.zip.sha512"));
  CHECK((lies("a.zip.md5") && lies("b.zip.sha512") && lies("SHA512SUMS")));
  const auto about_b = storage::digests_beside_drop(published.depot, "b.zip", fault);
  fs::remove(published.depot.drop() / "b.zip");
  storage::take_away(published.depot, about_b, "b.zip", storage::Fate::rejected, 10);
  CHECK_FALSE((lies("b.zip.sha512") || lies("SHA512SUMS")));
  CHECK(fs::exists(published.depot.rejected() / "b.zip.sha512"));
}

TEST_CASE("a release whose folder is gone is a difference, and not nothing") {
  const Published published;
  fs::remove_all(published.depot.images() / "EWC/17_9_4a");
  REQUIRE(storage::imported_releases(published.depot).size() == 1);
  const auto found = published.verify();
  REQUIRE(found.differences.size() == 1);
  CHECK(has(found.differences, "is gone; import the bundle again"));
  CHECK(has(found.differences, "17_9_4a.yaml"));
}
