#include "storage/lookup/search.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "tests/support/temp_dir.hpp"

using storage::AboveRoot;
using storage::Cause;
using storage::Path;
using storage::Rule;
using storage::Search;
namespace fs = std::filesystem;

namespace {

Path path(std::string_view text) { return Path::parse(text).value(); }

struct Depot {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  storage::LiveCatalogue catalogue{depot};

  Depot() {
    dir.write("images/EWC/17_9_4a/ap1g8", "image");
    dir.write("images/ME/8_10_185_0/ap3g3", "image");
  }
  Search search(std::string name, storage::LookupSettings settings = {}) {
    return {catalogue, {std::move(name), AboveRoot::refused, std::move(settings)}};
  }
};

}  // namespace

TEST_CASE("the very name is found without a look at what else it could mean") {
  Depot depot;
  const auto found = depot.search("EWC/17_9_4a/ap1g8").as_asked();
  REQUIRE(found);
  CHECK(found->rule == Rule::exact);
  CHECK_FALSE(depot.search("EWC/17.9.4a/ap1g8").as_asked());
  const auto meant = depot.search("EWC/17.9.4a/ap1g8").as_meant();
  REQUIRE(meant);
  CHECK(meant->path == path("/EWC/17_9_4a/ap1g8"));
  CHECK(meant->rule == Rule::version);
}

TEST_CASE("what is not found is explained, at once or after a look around") {
  Depot depot;
  const auto search = depot.search("Wrong-Path/ap1g8");
  const auto missing = search.as_meant();
  REQUIRE_FALSE(missing);
  CHECK(search.explain(missing.error()).hint == "ap1g8 is in /EWC/17_9_4a");
  const auto plain = search.explain_at_once(missing.error());
  CHECK(plain.hint.empty());
  CHECK(plain.error == std::errc::no_such_file_or_directory);
}

TEST_CASE("a name that leads above the images, and an upload that is withheld, are explained at once") {
  Depot depot;
  const auto above = depot.search("/../secret");
  const auto climbs = above.as_asked();
  REQUIRE_FALSE(climbs);
  CHECK(above.explain_at_once(climbs.error()).cause == Cause::escapes_root);

  depot.dir.write("images/uploads/config", "sent");
  const auto upload = depot.search("/uploads/config", {.forgiving = true, .aliases = {}, .uploads = false});
  const auto withheld = upload.as_asked();
  REQUIRE_FALSE(withheld);
  CHECK(upload.explain_at_once(withheld.error()).cause == Cause::read_refused);
}

TEST_CASE("the images' folder is opened at each look") {
  Depot depot;
  const auto search = depot.search("EWC/17_9_4a/ap1g8");
  fs::rename(depot.depot.images(), depot.dir / "old");
  const auto missing = search.as_meant();
  REQUIRE_FALSE(missing);
  CHECK_FALSE(search.as_asked());
  const auto miss = search.explain(missing.error());
  CHECK(miss.cause == Cause::unreadable);
  CHECK(miss.what.find("images cannot be opened") != std::string::npos);
  fs::rename(depot.dir / "old", depot.depot.images());
  CHECK(search.as_asked());
}

TEST_CASE("a user's folder is all that is searched, and stays the one that was opened") {
  Depot depot;
  const auto root = storage::Root::open(depot.depot.images()).value().subroot(path("/EWC")).value();
  const Search search(depot.catalogue, {"/17.9.4a/ap1g8", AboveRoot::stays}, root, path("/EWC"));
  const auto found = search.as_meant();
  REQUIRE(found);
  CHECK(found->path == path("/17_9_4a/ap1g8"));

  const Search other(depot.catalogue, {"/17_9_4a/ap3g3", AboveRoot::stays}, root, path("/EWC"));
  const auto missing = other.as_meant();
  REQUIRE_FALSE(missing);
  CHECK(other.explain(missing.error()).hint.find("/ME") == std::string::npos);

  fs::rename(depot.depot.images() / "EWC", depot.dir / "EWC");
  CHECK(Search(depot.catalogue, {"/17_9_4a/ap1g8", AboveRoot::stays}, root, path("/EWC")).as_asked());
  CHECK_FALSE(search.as_meant());  // nobody knows what else there is
  CHECK(search.explain(missing.error()).cause == Cause::not_found);
}

TEST_CASE("a user with another folder is told what the others find, and to wait for no import") {
  Depot depot;
  depot.dir.write("drop/C9800-AP-universalk9.17.12.01.zip", "x");
  depot.dir.write("images/uploads/sent", "x");
  fs::create_directory(depot.depot.images() / "SiteB");
  const auto images = storage::Root::open(depot.depot.images()).value();
  const auto miss_in = [&](std::string_view folder, const std::string& name) {
    const auto root = images.subroot(path(folder)).value();
    const Search search(depot.catalogue, {name, AboveRoot::stays}, root, path(folder));
    return search.explain(search.as_meant().error());
  };
  const auto hidden = miss_in("/SiteB", "/EWC/17_9_4a/ap1g8");
  CHECK(hidden.cause == Cause::wrong_directory);
  CHECK(hidden.what == "/EWC/17_9_4a/ap1g8 is not below /SiteB, which this user sees as /");
  CHECK_FALSE(hidden.nearest);
  for (const auto* name : {"/ap1g7", "/EWC/17_12_1/ap1g7", "/uploads/sent", "/sent"}) {
    CAPTURE(name);
    CHECK(miss_in("/SiteB", name).hint == "there are no images in this user's folder");
  }
  CHECK(miss_in("/uploads", "/ap1g7").hint == "there are no images in this user's folder");
  CHECK(miss_in("/EWC", "/17_12_1/ap1g7").cause == Cause::being_imported);
}
