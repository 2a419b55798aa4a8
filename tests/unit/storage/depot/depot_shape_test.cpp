#include "storage/depot/depot_shape.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "storage/depot/depot.hpp"
#include "storage/files/durable.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using storage::Depot;

TEST_CASE("a folder of images is refused as a depot, with what to do, and left as it is") {
  const test::TempDir dir;
  dir.write("tftp/17_9_4a/ap1g7", "image");
  try {
    const Depot depot(dir / "tftp");
    FAIL("a depot was made of a folder of images");
  } catch (const std::runtime_error& refused) {
    const std::string text = refused.what();
    CHECK(text.find("is a folder of images (17_9_4a/ap1g7)") != std::string::npos);
    CHECK(text.find("mkdir " + (dir / "tftp").string() + "/images") != std::string::npos);
  }
  CHECK_FALSE(fs::exists(dir / "tftp/images"));
  CHECK_FALSE(fs::exists(dir / "tftp/state"));
}

TEST_CASE("a folder with something else in it may become a depot") {
  const test::TempDir dir;
  dir.write("depot/site.yaml", "drain: 1");
  dir.write("depot/drop/C9800-AP-universalk9.17.09.04a.zip", "bundle");
  const Depot depot(dir / "depot");
  CHECK(fs::exists(depot.images()));
  CHECK(storage::image_beside(depot).empty());
  dir.write("depot/EWC/17_9_4a/ap1g7", "image");
  CHECK(storage::image_beside(Depot(dir / "depot")) == dir / "depot/EWC/17_9_4a/ap1g7");
}

TEST_CASE("names that no client can ask for are told, without those of uploads and clutter") {
  const test::TempDir dir;
  const Depot depot(dir / "depot");
  for (const auto name :
       {"EWC/17:9/ap1g7", "EWC/back\\slash", "EWC/fine", "uploads/a:b", "EWC/ap1g7:Zone.Identifier"})
    dir.write(std::string("depot/images/") + name, "x");
  const auto names = storage::unaskable_names(depot);
  REQUIRE(names.size() == 2);
  CHECK(storage::unaskable_text(depot, names[0]).starts_with("images/EWC/17:9 is not served"));
  CHECK(names[1] == depot.images() / "EWC/back\\slash");
}

TEST_CASE("a depot in one place is not split") {
  const test::TempDir dir;
  CHECK_FALSE(storage::is_split(Depot(dir / "depot")));
  CHECK_FALSE(storage::is_one_file_system("/proc", dir / "depot"));
  CHECK(storage::is_one_file_system(dir / "no such folder", dir / "depot"));
}
