#include "storage/files/durable.hpp"

#include <doctest/doctest.h>

#include "storage/files/path_text.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;

namespace {

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t count_in(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), {}));
}

template <class Action>
std::system_error failure_of(Action action) {
  try {
    action();
  } catch (const std::system_error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  return std::system_error(std::error_code{});
}

}  // namespace

TEST_CASE("a file is replaced whole, and nothing is left beside it") {
  const test::TempDir dir;
  storage::write_durably(dir / "file", "first, and longer", 0644);
  storage::write_durably(dir / "file", "second", 0644);
  CHECK(content_of(dir / "file") == "second");
  CHECK(count_in(dir.path()) == 1);
}

TEST_CASE("a write through a link replaces the link, not what it leads to") {
  const test::TempDir dir;
  dir.write("elsewhere", "untouched");
  if (!test::make_link(dir / "elsewhere", dir / "file")) return;
  storage::write_durably(dir / "file", "new", 0644);
  CHECK(content_of(dir / "elsewhere") == "untouched");
  CHECK(content_of(dir / "file") == "new");
}

TEST_CASE("a write that fails leaves nothing beside and names the path") {
  const test::TempDir dir;
  dir.write("folder/inside", "x");  // a file cannot be renamed over a folder
  const auto error = failure_of([&] { storage::write_durably(dir / "folder", "new", 0644); });
  CHECK(std::string(error.what()).find(storage::utf8_of(dir / "folder")) != std::string::npos);
  CHECK(count_in(dir.path()) == 1);
  const auto missing = failure_of([&] { storage::write_durably(dir / "no/file", "new", 0644); });
  CHECK(missing.code() == std::errc::no_such_file_or_directory);
}

TEST_CASE("rename_new moves a file or a whole folder") {
  const test::TempDir dir;
  dir.write("file", "content");
  dir.write("folder/inside", "content");
  storage::rename_new(dir / "file", dir / "moved");
  storage::rename_new(dir / "folder", dir / "folder2");
  CHECK(content_of(dir / "moved") == "content");
  CHECK(content_of(dir / "folder2/inside") == "content");
  CHECK(count_in(dir.path()) == 2);
}

TEST_CASE("rename_new never moves onto anything, not even an empty folder or a broken link") {
  const test::TempDir dir;
  dir.write("file", "mine");
  dir.write("there", "theirs");
  fs::create_directories(dir / "folder");
  fs::create_directories(dir / "empty");
  const bool broken = test::make_link("nowhere", dir / "broken");
  for (const std::string taken : {"there", "empty", "broken"}) {
    if (taken == "broken" && !broken) continue;
    const auto error = failure_of([&] { storage::rename_new(dir / "file", dir / taken); });
    CHECK(error.code() == std::errc::file_exists);
  }
  CHECK(failure_of([&] { storage::rename_new(dir / "folder", dir / "empty"); }).code() ==
        std::errc::file_exists);
  CHECK(content_of(dir / "file") == "mine");
  CHECK(content_of(dir / "there") == "theirs");
}

TEST_CASE("make_directories says what is in the way") {
  const test::TempDir dir;
  dir.write("file", "x");
  CHECK(failure_of([&] { storage::make_directories(dir / "file", 0755); }).code() ==
        std::errc::not_a_directory);
  CHECK(failure_of([&] { storage::make_directories(dir / "file/below", 0755); }).code() ==
        std::errc::not_a_directory);
}
