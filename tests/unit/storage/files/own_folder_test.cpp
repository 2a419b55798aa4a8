#include "storage/files/own_folder.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using storage::OwnFolder;

TEST_CASE("a folder is one's own if it is no link, one's own user's, and nobody else may write in it") {
  const test::TempDir dir;
  const auto folder = dir / "folder";
  CHECK_FALSE(OwnFolder::open(folder));
  fs::create_directory(folder);
  for (const auto mode : {0700, 0755, 02750}) {
    fs::permissions(folder, fs::perms(mode));
    CHECK(OwnFolder::open(folder));
  }
  for (const auto mode : {0775, 0702, 02770}) {
    fs::permissions(folder, fs::perms(mode));
    CHECK_FALSE(OwnFolder::open(folder));
  }
  fs::permissions(folder, fs::perms::owner_all);
  fs::create_symlink("folder", dir / "link");
  CHECK_FALSE(OwnFolder::open(dir / "link"));
  dir.write("file", "x");
  CHECK_FALSE(OwnFolder::open(dir / "file"));
  if (::geteuid() != 0) return;  // who may give something away
  REQUIRE(::chown(folder.c_str(), 1, 1) == 0);
  CHECK_FALSE(OwnFolder::open(folder));
}

TEST_CASE("in a place that is this user's alone the owner and the mode do not count, a link does") {
  const test::TempDir dir;
  const auto folder = dir / "folder";
  fs::create_directories(folder / "below");
  for (const auto& each : {folder, folder / "below"}) fs::permissions(each, fs::perms::all);
  const auto own = OwnFolder::open(folder, OwnFolder::Place::ours);
  REQUIRE(own);
  CHECK(own->open_below("below"));
  fs::create_symlink("folder", dir / "link");
  CHECK_FALSE(OwnFolder::open(dir / "link", OwnFolder::Place::ours));
}

TEST_CASE("a folder is made in it for this user alone, and never in the place of something else") {
  const test::TempDir dir;
  fs::permissions(dir.path(), fs::perms::owner_all);
  dir.write("file", "x");
  fs::create_symlink("nowhere", dir / "link");
  const auto own = OwnFolder::open(dir.path());
  REQUIRE(own);
  CHECK(own->make_below("folder"));
  CHECK(fs::status(dir / "folder").permissions() == fs::perms::owner_all);
  for (const auto* name : {"folder", "file", "link"}) CHECK_FALSE(own->make_below(name));
  fs::remove(dir / "folder");
  fs::rename(dir / "file", dir / "folder");
  CHECK_THROWS_AS(own->make_below("folder/below"), std::system_error);
}

TEST_CASE("what lies in it is removed there, also when another folder has its name by now") {
  const test::TempDir dir;
  const auto folder = dir / "folder";
  dir.write("folder/file", "x");
  fs::create_directories(folder / "empty");
  for (const auto& each : {folder, folder / "empty"}) fs::permissions(each, fs::perms::owner_all);
  const auto own = OwnFolder::open(folder);
  REQUIRE(own);
  CHECK(own->open_below("empty"));
  CHECK_FALSE(own->open_below("file"));
  CHECK_FALSE(own->open_below("missing"));
  fs::rename(folder, dir / "moved");
  dir.write("folder/file", "another");

  auto names = own->names();
  std::ranges::sort(names);
  CHECK(names == std::vector<std::string>{"empty", "file"});
  own->remove_file("file");
  own->remove_folder("empty");
  own->remove_file("missing");
  CHECK(own->names().empty());
  CHECK(fs::exists(folder / "file"));
}
