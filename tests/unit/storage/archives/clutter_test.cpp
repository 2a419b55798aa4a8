#include "storage/archives/clutter.hpp"

#include <doctest/doctest.h>

#include "tests/support/tar_writer.hpp"
#include "tests/support/unpacking.hpp"
#include "tests/support/zip_writer.hpp"

using storage::is_clutter;
using test::has;
using test::Unpacking;
using test::ZipMember;

TEST_CASE("what an operating system puts beside files is clutter, wherever it lies") {
  for (const auto name : {".DS_Store", "EWC/.DS_Store", "__MACOSX/", "__MACOSX/._ap1g7",
                          "__MACOSX/EWC/._ap1g7", "._ap1g7", "._.", "Thumbs.db", "THUMBS.DB", "desktop.ini",
                          "Icon\r", "ap1g7:Zone.Identifier", "ap1g7:Zone.Identifier:$DATA",
                          "@eaDir/ap1g7@SynoEAStream", "System Volume Information/x", ".Trash-1000/x"}) {
    CAPTURE(name);
    CHECK(is_clutter(name));
  }
  for (const auto name :
       {"ap1g7", "EWC/ap1g7", ".hidden", "MACOSX/ap1g7", "readme.txt", "thumbs.db.zip", ""}) {
    CAPTURE(name);
    CHECK_FALSE(is_clutter(name));
  }
}

TEST_CASE("a name that leads out is not clutter, so that it is refused") {
  for (const auto name : {"../.DS_Store", "/__MACOSX/x", "__MACOSX/../ap1g7", "__MACOSX\\x", ".."})
    CHECK_FALSE(is_clutter(name));
}

TEST_CASE("clutter that is left out is named, the first three of it") {
  CHECK(has(storage::left_out_text({".DS_Store"}), "\".DS_Store\""));
  const auto text = storage::left_out_text({"a", "b", "c", "d", "e"});
  CHECK(has(text, "\"c\" and 2 more"));
  CHECK_FALSE(has(text, "\"d\""));
}

TEST_CASE("clutter hides neither a ZIP's images nor its common folder") {
  Unpacking job;
  ZipMember folder{"__MACOSX/"}, link{"EWC/.DS_Store", "target"};
  folder.attributes = 040755U << 16;
  link.attributes = 0120777U << 16;
  const auto members = job.unpack(test::zip({folder,
                                             {"__MACOSX/._EWC", "fork"},
                                             {"EWC/ap1g7", "image"},
                                             link,
                                             {"__MACOSX/EWC/._ap1g7", "fork"},
                                             {"EWC/ap1g8", "image"}}));
  REQUIRE(members.size() == 2);
  CHECK(members[0].name == "ap1g7");
  CHECK(members[1].name == "ap1g8");
  CHECK(has(job.rejection(test::zip({{".DS_Store", "x"}})), "no file"));
  CHECK(has(job.rejection(test::zip({{"ap1g7", "image"}, {"../.DS_Store", "x"}})), ".."));
}

TEST_CASE("clutter hides neither a tar's images nor its common folder, and counts for the bounds") {
  Unpacking job;
  const auto tar =
      test::tar({{"./._EWC", "fork"}, {"EWC/._ap1g7", std::string(2000, 'x')}, {"EWC/ap1g7", "image"}});
  const auto members = job.unpack(tar);
  REQUIRE(members.size() == 1);
  CHECK(members[0].name == "ap1g7");
  CHECK(test::content_of(job.target / "ap1g7") == "image");
  job.limits.max_total = 1000;
  CHECK(has(job.rejection(tar), "import.max_total"));
  job.limits.max_total = 1 << 20;
  job.limits.max_members = 2;
  CHECK(has(job.rejection(tar), "import.max_members"));
}
