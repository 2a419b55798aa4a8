#include "storage/import/drop_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "storage/depot/depot.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using storage::Depot;
using storage::DropFolder;
using storage::DropKind;
using Names = std::vector<std::string>;

namespace {

constexpr DropFolder::Time start{1h};

}  // namespace

TEST_CASE("a closed file counts after the settle time, and once") {
  DropFolder drop(2s, 10s);
  CHECK_FALSE(drop.deadline());
  drop.changed("bundle.zip", start);
  drop.closed("bundle.zip", start + 1s);
  CHECK(drop.deadline() == start + 3s);
  CHECK(drop.take_ready(start + 2999ms).empty());
  CHECK(drop.take_ready(start + 3s) == Names{"bundle.zip"});
  CHECK(drop.take_ready(start + 1h).empty());
  CHECK_FALSE(drop.deadline());
}

TEST_CASE("a file that nobody closed must lie still for longer, and each change starts the wait again") {
  DropFolder drop(2s, 10s);
  drop.changed("bundle.zip", start);
  drop.changed("bundle.zip", start + 9s);
  CHECK(drop.take_ready(start + 18s).empty());
  CHECK(drop.take_ready(start + 19s) == Names{"bundle.zip"});
}

TEST_CASE("a file that is written to after its close is waited for again") {
  DropFolder drop(2s, 10s);
  drop.closed("bundle.zip", start);
  drop.changed("bundle.zip", start + 1s);
  CHECK(drop.take_ready(start + 5s).empty());
  CHECK(drop.take_ready(start + 11s) == Names{"bundle.zip"});
}

TEST_CASE("a file that went away is forgotten; the next deadline is the earliest") {
  DropFolder drop(2s, 10s);
  drop.changed("slow", start);
  drop.closed("fast", start);
  drop.closed("gone", start);
  drop.gone("gone");
  drop.gone("never seen");
  CHECK(drop.deadline() == start + 2s);
  CHECK(drop.take_ready(start + 2s) == Names{"fast"});
  CHECK(drop.deadline() == start + 10s);
}

TEST_CASE("names of files in the making are not waited for, their final names are") {
  DropFolder drop(2s, 10s);
  for (const auto name :
       {".bundle.zip.Xy12", "b.part", "b.FilePart", "b.tmp", "b.zip.crdownload", "b.zip~"}) {
    drop.changed(name, start);
    drop.closed(name, start);
  }
  CHECK_FALSE(drop.deadline());
  for (const auto name : {"part", "tmp.zip", "b.partly"}) drop.closed(name, start);
  CHECK(drop.take_ready(start + 2s) == Names{"b.partly", "part", "tmp.zip"});
}

TEST_CASE("what lies in drop/ is told without opening it or following a link") {
  const test::TempDir dir;
  const Depot depot(dir.path());
  dir.write("drop/file", "x");
  fs::create_directory(depot.drop() / "folder");
  CHECK(storage::kind_of_drop(depot, "file") == DropKind::file);
  CHECK(storage::kind_of_drop(depot, "missing") == DropKind::gone);
  CHECK(storage::kind_of_drop(depot, "folder") == DropKind::not_a_file);
  if (test::make_link(depot.drop() / "file", depot.drop() / "link"))
    CHECK(storage::kind_of_drop(depot, "link") == DropKind::not_a_file);
  if (test::make_fifo(depot.drop() / "fifo"))
    CHECK(storage::kind_of_drop(depot, "fifo") == DropKind::not_a_file);
}

TEST_CASE("a drop whose writer still has it open is told apart, however long the writer pauses") {
  const test::TempDir dir;
  const Depot depot(dir.path());
  {
    std::ofstream writer(depot.drop() / "b.zip");
    writer << "half" << std::flush;
    CHECK(storage::kind_of_drop(depot, "b.zip") == DropKind::being_written);
  }
  CHECK(storage::kind_of_drop(depot, "b.zip") == DropKind::file);
}

TEST_CASE("what a download tool or an operating system left is never ready") {
  DropFolder drop(2s, 10s);
  for (const auto name : {"bundle.zip.aria2", "bundle.zip.download", "Unconfirmed 7.crdownload",
                          "bundle.zip.partial", "bundle.zip.!ut", "~$bundle.zip", "Thumbs.db", "desktop.ini",
                          "DESKTOP.INI", "bundle.zip:Zone.Identifier", "__MACOSX", "@eaDir"}) {
    CAPTURE(name);
    drop.changed(name, start);
    drop.closed(name, start);
    CHECK_FALSE(drop.deadline());
  }
}

TEST_CASE("so many names are waited for and no more, and as many that were found") {
  DropFolder drop(2s, 10s);
  const auto name = [](std::size_t i) { return "file-" + std::to_string(i); };
  for (std::size_t i = 0; i < DropFolder::most_names; ++i) drop.closed(name(i), start);
  drop.closed("late.zip", start);
  drop.changed("late.zip", start);
  drop.changed(name(0), start);  // one of them may change
  for (std::size_t i = 0; i < DropFolder::most_names; ++i)
    CHECK(drop.found(name(DropFolder::most_names + i), start));
  CHECK_FALSE(drop.found("late.zip", start));
  CHECK(drop.found(name(1), start));
  CHECK(drop.found("in-the-making.part", start));
  CHECK(drop.take_ready(start + 2s).size() == DropFolder::most_names - 2);
  CHECK(drop.take_ready(start + 10s).size() == DropFolder::most_names + 2);
  CHECK_FALSE(drop.deadline());
  drop.closed("late.zip", start);
  CHECK(drop.take_ready(start + 2s) == Names{"late.zip"});
}
