#include "storage/import/dropped_file.hpp"

#include <doctest/doctest.h>

#include <string>

#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "tests/unit/storage/import/dropping.hpp"

namespace fs = std::filesystem;
using test::Dropping, test::Names, test::names_in, test::text_in;

TEST_CASE_FIXTURE(Dropping, "a drop that was read is removed; one that is gone already is no error") {
  const auto file = drop("file", "x");
  CHECK(file.remove());
  CHECK(fs::is_empty(depot.drop()));
  CHECK_FALSE(file.remove());
  CHECK(nothing_is_taken());
}

TEST_CASE_FIXTURE(Dropping, "a newer file of the same name is neither removed, kept nor rejected") {
  const auto file = drop("b.zip", "old");
  rename_over("b.zip", "new");
  CHECK_FALSE(file.remove());
  CHECK_FALSE(file.keep());
  CHECK_FALSE(file.reject("why").has_value());
  CHECK(text_in(depot.drop() / "b.zip") == "new");
  CHECK(fs::is_empty(depot.rejected()));
  CHECK(nothing_is_taken());
}

TEST_CASE_FIXTURE(Dropping, "a drop that somebody opened to write to it stays") {
  const auto file = drop("b.zip", "old");
  {
    std::ofstream writer(depot.drop() / "b.zip", std::ios::app);
    CHECK_FALSE(file.remove());
  }
  CHECK(names_in(depot.drop()) == Names{"b.zip"});
  CHECK(nothing_is_taken());
}

TEST_CASE_FIXTURE(Dropping, "a rejected drop lies beside its reason, and never replaces an earlier one") {
  for (const auto content : {"first", "second", "third"})
    CHECK(drop("b.zip", content).reject(std::string("why ") + content));
  CHECK(text_in(depot.rejected() / "b.zip") == "first");
  CHECK(text_in(depot.rejected() / "b.zip.reason.txt") == "why first\n");
  CHECK(text_in(depot.rejected() / "b.zip.2") == "second");
  CHECK(text_in(depot.rejected() / "b.zip.2.reason.txt") == "why second\n");
  CHECK(text_in(depot.rejected() / "b.zip.3.reason.txt") == "why third\n");
  CHECK(fs::is_empty(depot.drop()));
  CHECK(storage::rejected_files(depot) == 3);
}

TEST_CASE_FIXTURE(Dropping, "rejected/ may have been removed, to empty it") {
  fs::remove(depot.rejected());
  CHECK(storage::rejected_files(depot) == 0);
  CHECK(drop("b.zip", "x").reject("why"));
  CHECK(storage::rejected_files(depot) == 1);
}

TEST_CASE_FIXTURE(Dropping, "a reason that lies there alone is kept too") {
  dir.write("rejected/b.zip.reason.txt", "old");
  CHECK(drop("b.zip", "x").reject("new") == depot.rejected() / "b.zip.2");
  CHECK(text_in(depot.rejected() / "b.zip.reason.txt") == "old");
}

TEST_CASE_FIXTURE(Dropping, "a rejected drop counts, and is not taken for a reason, whatever its name") {
  const std::string ending = ".reason.txt", cut = std::string(219, 'x') + ending + ".bin";
  for (const auto& name : {"a" + ending, "a.zip" + ending, ending, cut}) {
    CAPTURE(name);
    const auto moved = drop(name, "").reject("why");
    REQUIRE(moved);
    CHECK_FALSE(storage::is_reason(storage::utf8_of(moved->filename())));
    CHECK(storage::reason_of_rejected(depot, storage::utf8_of(moved->filename())) == "why");
  }
  CHECK(drop("a" + ending, "").reject("why") == depot.rejected() / "a.reason.txt.file.2");
  CHECK(storage::rejected_files(depot) == 5);
}

TEST_CASE_FIXTURE(Dropping, "a reason is one line, whatever a library said") {
  const auto moved = drop("b.zip", "x").reject("wrong size (read 1442)\n\r\x1b[31m)\n");
  REQUIRE(moved);
  CHECK(text_in(fs::path(*moved) += ".reason.txt") == "wrong size (read 1442) [31m)\n");
}

TEST_CASE_FIXTURE(Dropping, "the longest name can be rejected as well") {
  const auto moved = drop(std::string(255, 'x'), "content").reject("why");
  REQUIRE(moved);
  CHECK(text_in(*moved) == "content");
  CHECK(text_in(fs::path(*moved) += ".reason.txt") == "why\n");
}

TEST_CASE_FIXTURE(Dropping, "a drop that vanished is not rejected, and no reason stays there") {
  const auto file = drop("b.zip", "x");
  fs::remove(file.path());
  CHECK_FALSE(file.reject("why").has_value());
  CHECK(fs::is_empty(depot.rejected()));
}

TEST_CASE_FIXTURE(Dropping, "a published drop is kept, and never replaces an earlier one") {
  CHECK(drop("b.zip", "first").keep());
  CHECK(drop("b.zip", "second").keep());
  CHECK(text_in(depot.bundles() / "b.zip") == "first");
  CHECK(text_in(depot.bundles() / "b.zip.2") == "second");
}
