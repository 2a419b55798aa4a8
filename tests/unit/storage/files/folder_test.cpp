#include "storage/files/folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using storage::FolderReader;
using Reach = storage::FolderReader::Reach;

namespace {

std::vector<std::string> names(FolderReader reader, const std::string& passed_over = {}) {
  std::vector<std::string> found;
  while (const auto entry = reader.next()) {
    found.push_back(std::string(entry->depth, '>') + entry->name);
    if (entry->name == passed_over) reader.pass_over();
  }
  std::ranges::sort(found);
  return found;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a folder is read with or without what lies below it, and no link is followed") {
  const test::TempDir dir;
  const auto top = dir.path() / "top", outside = dir.path() / "outside";
  fs::create_directories(top / "a/b");
  fs::create_directories(outside / "secret");
  std::ofstream(top / "a/b/file") << "x";
  fs::create_symlink(outside, top / "link");

  CHECK(names(FolderReader(top)) == Names{"a", "link"});
  CHECK(names(FolderReader(top, Reach::tree)) == Names{">>file", ">b", "a", "link"});
  CHECK(names(FolderReader(top, Reach::tree), "b") == Names{">b", "a", "link"});
  CHECK(names(FolderReader(top, Reach::tree), "a") == Names{"a", "link"});
  FolderReader reader(top);
  while (const auto entry = reader.next()) {
    CHECK(entry->is_folder() == (entry->name == "a"));
    CHECK_FALSE(entry->is_file());
    CHECK(entry->path == top / entry->name);
  }
  CHECK_FALSE(reader.next());
}

TEST_CASE("a folder that cannot be read is told, and one that goes away below it is left out") {
  const test::TempDir dir;
  std::error_code error;
  CHECK(names(FolderReader(dir.path() / "missing", error)).empty());
  CHECK(error == std::errc::no_such_file_or_directory);
  CHECK_THROWS_AS(FolderReader(dir.path() / "missing"), std::system_error);
  std::ofstream(dir.path() / "file") << "x";
  CHECK_THROWS_AS(FolderReader(dir.path() / "file"), std::system_error);

  fs::create_directories(dir.path() / "gone/below");
  FolderReader reader(dir.path(), error, Reach::tree);
  CHECK_FALSE(error);
  Names found;
  while (const auto entry = reader.next()) {
    found.push_back(entry->name);
    if (entry->name == "gone") fs::remove_all(entry->path);
  }
  std::ranges::sort(found);
  CHECK(found == Names{"file", "gone"});
}

TEST_CASE("a tree is removed, and what its links lead to stays") {
  const test::TempDir dir;
  const auto tree = dir.path() / "tree", outside = dir.path() / "outside";
  fs::create_directories(tree / "a/b/c");
  fs::create_directories(outside);
  std::ofstream(tree / "a/file") << "x";
  std::ofstream(outside / "file") << "x";
  fs::create_symlink(outside, tree / "a/link");

  CHECK_FALSE(storage::remove_tree(tree));
  CHECK_FALSE(fs::exists(tree));
  CHECK(fs::exists(outside / "file"));
  CHECK_FALSE(storage::remove_tree(tree));
  fs::create_symlink(outside, tree);
  CHECK_FALSE(storage::remove_tree(tree));
  CHECK(fs::exists(outside / "file"));
  CHECK_FALSE(storage::remove_tree(outside / "file"));
  CHECK(storage::remove_tree(dir.path() / "outside/\n/none") == std::error_code());
}

TEST_CASE("when an entry was last written is told of a link itself") {
  const test::TempDir dir;
  const auto file = dir.write("file", "x"), link = dir.path() / "link";
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1));
  fs::create_symlink(file, link);
  REQUIRE(storage::last_written(file));
  REQUIRE(storage::last_written(link));
  const std::chrono::nanoseconds between(*storage::last_written(link) - *storage::last_written(file));
  CHECK(between > std::chrono::minutes(59));
  fs::remove(file);
  CHECK(storage::last_written(link));
  CHECK_FALSE(storage::last_written(file));
}
