#include "storage/lookup/lookup.hpp"

#include <doctest/doctest.h>

#include "storage/depot/depot.hpp"
#include "storage/depot/import_note.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/catalogue.hpp"
#include "storage/lookup/explain.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "storage/lookup/search.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/zip_writer.hpp"

using storage::AboveRoot;
using storage::Cause;

namespace {

struct Images {
  test::TempDir dir;
  Images() {
    for (const auto name : {"EWC/17_9_4a/ap1g6", "EWC/17_9_4a/ap1g8", "EWC/17_9_4a/version.info",
                            "EWC/17_12_1/ap1g6", "ME/8_10_185_0/ap3g3"}) {
      dir.write(name, "image");
    }
    test::make_fifo(dir / "fifo");
  }
  storage::Root root{dir.path()};
};

}  // namespace

namespace {
storage::Miss miss_of(const storage::Root& root, std::string_view asked) {
  const storage::Catalogue catalogue(root);
  const auto found = storage::find_image(root, catalogue, asked, AboveRoot::refused, {});
  REQUIRE_FALSE(found);
  return storage::explain_miss(root, catalogue, asked, found.error());
}
}  // namespace

TEST_CASE("an image that is there is found, with the path it has") {
  const Images images;
  const auto found = storage::find_as_asked(images.root, "EWC/17_9_4a/ap1g8", AboveRoot::refused, {});
  REQUIRE(found);
  CHECK(found->path.text() == "/EWC/17_9_4a/ap1g8");
  CHECK(found->file.at_open().size == 5);
}

TEST_CASE("each miss has one cause, says what is wrong, and names what is near") {
  const Images images;
  struct Row {
    std::string_view asked;
    Cause cause;
    std::string_view what, hint, nearest;
  };
  for (const auto& row : {
           Row{"/Wrong-Path/ap1g8", Cause::wrong_directory, "/Wrong-Path does not exist",
               "ap1g8 is in /EWC/17_9_4a", "/EWC/17_9_4a/ap1g8"},
           Row{"/ME/17_9_4a/ap1g8", Cause::wrong_directory, "/ME/17_9_4a does not exist",
               "ap1g8 is in /EWC/17_9_4a", "/EWC/17_9_4a/ap1g8"},
           Row{"/EWC/17_9_5/ap1g8", Cause::no_such_release, "/EWC/17_9_5 does not exist",
               "ap1g8 is in /EWC/17_9_4a", "/EWC/17_9_4a/ap1g8"},
           Row{"/EWC/17_9_5/ap9g9", Cause::no_such_release, "/EWC/17_9_5 does not exist",
               "releases here: ", ""},
           Row{"/EWC/17_9_5", Cause::no_such_release, "/EWC/17_9_5 does not exist", "releases here: ", ""},
           Row{"/EWC/17_9_4a/ap1g9", Cause::family_missing, "/EWC/17_9_4a has no ap1g9",
               "it has ap1g6, ap1g8", ""},
           Row{"/EWC/17_9_4a/ap3g3", Cause::family_missing, "/EWC/17_9_4a has no ap3g3",
               "ap3g3 is in /ME/8_10_185_0", "/ME/8_10_185_0/ap3g3"},
           Row{"/EWC/17_9_4a/aplg8", Cause::lookalike, "there is no aplg8", "ap1g8 is in /EWC/17_9_4a",
               "/EWC/17_9_4a/ap1g8"},
           Row{"/EWC/l7_9_4a/ap1g8", Cause::lookalike, "there is no /EWC/l7_9_4a", "ap1g8 is in /EWC/17_9_4a",
               "/EWC/17_9_4a/ap1g8"},
           Row{"/EWC/17_9_4a/nonsense.txt", Cause::not_found, "/EWC/17_9_4a/nonsense.txt does not exist",
               "/EWC/17_9_4a has ap1g6, ap1g8", ""},
           Row{"/EWC/17.9.4a/ap1g8.bin", Cause::not_found, "/EWC/17.9.4a/ap1g8.bin does not exist",
               "/EWC/17_9_4a has ap1g6, ap1g8", ""},
           Row{"/EWC/17_9_4a/folder/ap1g8.bin", Cause::not_found, "/EWC/17_9_4a/folder does not exist",
               "/EWC/17_9_4a is there", ""},
           Row{"/EWC/17_9_4a/ap1g8/x", Cause::not_found, "/EWC/17_9_4a/ap1g8/x does not exist",
               "/EWC/17_9_4a/ap1g8 is not a directory", ""},
           Row{"/x", Cause::not_found, "/x does not exist", "releases here: ", ""},
           Row{"/EWC", Cause::is_directory, "/EWC is a directory", "ask for a file in it", ""},
           Row{"/", Cause::is_directory, "/ is a directory", "ask for a file in it", ""},
           Row{"", Cause::empty_name, "the request names no file", "ask for a file's whole path", ""},
           Row{"../../etc/passwd", Cause::escapes_root, "../../etc/passwd leads above /",
               "/ is the folder of the images, and nothing above it is served", ""},
           Row{"/fifo", Cause::unreadable, "/fifo is not a regular file", "put a plain file in its place",
               ""},
           Row{"host:/ap1g8", Cause::not_found, "host:/ap1g8 holds a colon or a NUL",
               "ask for the path alone, without a server's name", ""},
       }) {
    CAPTURE(row.asked);
    const auto miss = miss_of(images.root, row.asked);
    CHECK(cause_name(miss.cause) == cause_name(row.cause));
    CHECK(miss.what == row.what);
    CHECK(miss.hint.starts_with(row.hint));
    CHECK(miss.hint.empty() == row.hint.empty());
    CHECK((miss.nearest ? miss.nearest->text() : "") == row.nearest);
    CHECK(miss.error);
  }
}

TEST_CASE("where there are no images, the first files are named") {
  const Images images;
  for (const auto name : {"a", "b", "c", "d", "e"}) images.dir.write(std::string("Aruba/old/") + name, "");
  CHECK(miss_of(images.root, "/Aruba/old/x").hint == "/Aruba/old has a, b, c, d, e");
  images.dir.write("Aruba/old/f", "");
  CHECK(miss_of(images.root, "/Aruba/old/x").hint == "/Aruba/old has a, b, c, d, e, ...");
}

TEST_CASE("of two releases that hold the image, the same product's newest is named") {
  const Images images;
  const auto miss = miss_of(images.root, "/EWC/17_13_1/ap1g6");
  CHECK(miss.hint == "ap1g6 is in /EWC/17_12_1");
  images.dir.write("Other/99_1/ap1g6", "");
  CHECK(miss_of(images.root, "/EWC/17_13_1/ap1g6").hint == miss.hint);
}

TEST_CASE("of several releases the nearest to the one asked is named") {
  const Images images;
  for (const auto name : {"EWC/17_9_3/ap1g8", "EWC/17_6_8/ap1g8", "EWC/17_12_4/ap1g8", "EWC/17_12_1/ap1g8"})
    images.dir.write(name, "");
  CHECK(miss_of(images.root, "/EWC/17_9_4/ap1g8").hint == "ap1g8 is in /EWC/17_9_4a");
  CHECK(miss_of(images.root, "/EWC/17_9_1/ap1g8").hint == "ap1g8 is in /EWC/17_9_3");
  CHECK(miss_of(images.root, "/EWC/17_9_4_28/ap1g8").hint == "ap1g8 is in /EWC/17_9_4a");
  CHECK(miss_of(images.root, "/EWC/17_13_1/ap1g8").hint == "ap1g8 is in /EWC/17_12_4");  // the newer of two
  images.dir.write("EWC/current", "17_12_1\n");
  CHECK(miss_of(images.root, "/EWC/17_13_1/ap1g8").hint == "ap1g8 is in /EWC/17_12_1");  // the promoted one
  CHECK(miss_of(images.root, "/EWC/17_9_4/ap1g8").hint == "ap1g8 is in /EWC/17_9_4a");
}

TEST_CASE("where no version is asked and several have the image, all are named, or the promoted one") {
  const Images images;
  const auto several = miss_of(images.root, "/Wrong-Path/ap1g6");
  CHECK(several.hint == "ap1g6 is in /EWC/17_12_1, /EWC/17_9_4a: name one of them, or promote it");
  CHECK_FALSE(several.nearest);  // the controller would take it for good
  CHECK(miss_of(images.root, "ap1g6").hint == several.hint);
  CHECK(miss_of(images.root, "/Wrong-Path/aplg6").hint == several.hint);
  images.dir.write("EWC/current", "17_9_4a\n");
  CHECK(miss_of(images.root, "/Wrong-Path/ap1g6").hint == "ap1g6 is in /EWC/17_9_4a");
}

TEST_CASE("what lies in /other is of no release, whatever its name") {
  const test::TempDir dir;
  dir.write("other/somewhere/ap1g8", "");
  CHECK(miss_of(storage::Root(dir.path()), "ap1g8").hint == "ap1g8 is in /other/somewhere");
}

TEST_CASE("while a bundle is imported, a miss says so, and how far it is") {
  const test::TempDir dir;
  const storage::Depot depot(dir.path());
  const storage::Root root(depot.images());
  const storage::Catalogue catalogue(root);
  const auto explain = [&](std::string_view asked) {
    const auto found = storage::find_image(root, catalogue, asked, AboveRoot::refused, {});
    REQUIRE_FALSE(found);
    return storage::explain_miss(root, catalogue, asked, found.error(), &depot);
  };
  CHECK(explain("/EWC/17_9_4a/ap1g8").hint == "there are no images yet: put a bundle into drop/");
  const std::string bundle = "C9800-AP-universalk9.17.09.04a.zip";
  dir.write("drop/" + bundle, test::zip({{"ap1g8", "x"}}));
  CHECK(explain("/EWC/17_9_4a/ap1g8").hint == bundle + " waits in drop/");
  CHECK(explain("/EWC/17_9_4a/ap1g8").cause == Cause::being_imported);
  std::optional<storage::StagingArea> area(std::in_place, depot);
  storage::ImportNote note(*area, bundle);
  CHECK(explain("/EWC/17_9_4a/ap1g8").hint == bundle + " is being imported, 0 % done");
  note.goes_on(410, 1000);
  CHECK(explain("/EWC/17_9_4a/ap1g8").hint == bundle + " is being imported, 41 % done");
  CHECK(explain("/Wrong-Path/ap1g8").hint ==
        "there are no images yet: " + bundle + " is being imported, 41 % done");
  const auto other = explain("/EWC/17_12_1/ap1g8");  // what is coming is no answer
  CHECK(other.cause == Cause::no_such_release);
  CHECK(other.hint == "there are no images yet: " + bundle + " is being imported, 41 % done");
  std::filesystem::remove(dir / ("drop/" + bundle));  // a command may import it from elsewhere
  CHECK(explain("/EWC/17_9_4a/ap1g8").hint == bundle + " is being imported, 41 % done");
  dir.write("drop/" + bundle, test::zip({{"ap1g8", "x"}}));
  area.reset();
  CHECK(explain("/EWC/17_9_4a/ap1g8").hint == bundle + " waits in drop/");
  dir.write("drop/" + bundle, "PK, half of it copied");
  CHECK(explain("/EWC/17_9_4a/ap1g8").cause == Cause::being_imported);
}

TEST_CASE("a tar that is an image itself is awaited by its own name") {
  const test::TempDir dir;
  const storage::Depot depot(dir.path());
  const storage::Root root(depot.images());
  const storage::Catalogue catalogue(root);
  for (const std::string name : {"AIR-AP1815-K9-ME-8-10-185-0.tar", "ap3g2-k9w8-tar.153-3.JF15.tar"}) {
    CAPTURE(name);
    dir.write("drop/" + name, "");
    const auto found = storage::find_image(root, catalogue, name, AboveRoot::refused, {});
    REQUIRE_FALSE(found);
    const auto miss = storage::explain_miss(root, catalogue, name, found.error(), &depot);
    CHECK(miss.cause == Cause::being_imported);
    CHECK(miss.hint == name + " waits in drop/");
  }
}

TEST_CASE("an empty depot says what to do") {
  const test::TempDir dir;
  const storage::Depot depot(dir.path());
  storage::LiveCatalogue catalogue(depot);
  for (const auto* asked : {"/EWC/17_9_4a/ap1g8", "/x/y"}) {
    const storage::Search search(catalogue, {asked});
    CHECK(search.explain(search.as_meant().error()).hint ==
          "there are no images yet: put a bundle into drop/");
  }
}
