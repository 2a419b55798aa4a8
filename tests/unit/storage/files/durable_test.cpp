#include "storage/files/durable.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST_CASE("a file is written with its mode, whatever the umask, and replaced whole") {
  const test::TempDir dir;
  const mode_t umask_before = ::umask(0077);
  storage::write_durably(dir / "file", "first, and longer", 0644);
  ::umask(umask_before);
  CHECK((fs::status(dir / "file").permissions() & fs::perms::mask) == fs::perms(0644));
  storage::write_durably(dir / "file", "second", 0600);
  CHECK(content_of(dir / "file") == "second");
  CHECK((fs::status(dir / "file").permissions() & fs::perms::mask) == fs::perms(0600));
  CHECK(count_in(dir.path()) == 1);
}

TEST_CASE("a write through a link replaces the link, not what it leads to") {
  const test::TempDir dir;
  dir.write("elsewhere", "untouched");
  fs::create_symlink(dir / "elsewhere", dir / "file");
  storage::write_durably(dir / "file", "new", 0644);
  CHECK(content_of(dir / "elsewhere") == "untouched");
  CHECK(content_of(dir / "file") == "new");
}

TEST_CASE("a write that fails leaves nothing beside and names the path") {
  const test::TempDir dir;
  dir.write("folder/inside", "x");  // a file cannot be renamed over a folder
  const auto error = failure_of([&] { storage::write_durably(dir / "folder", "new", 0644); });
  CHECK(std::string(error.what()).find((dir / "folder").string()) != std::string::npos);
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
  fs::create_symlink("nowhere", dir / "broken");
  for (const auto taken : {"there", "empty", "broken"}) {
    const auto error = failure_of([&] { storage::rename_new(dir / "file", dir / taken); });
    CHECK(error.code() == std::errc::file_exists);
  }
  CHECK(failure_of([&] { storage::rename_new(dir / "folder", dir / "empty"); }).code() ==
        std::errc::file_exists);
  CHECK(content_of(dir / "file") == "mine");
  CHECK(content_of(dir / "there") == "theirs");
}

TEST_CASE("make_directories makes each missing level with the mode, and leaves the others alone") {
  const test::TempDir dir;
  fs::create_directory(dir / "a");
  fs::permissions(dir / "a", fs::perms(0700));
  storage::make_directories(dir / "a/b/c", 0755);
  storage::make_directories(dir / "a/b/c", 0700);
  CHECK((fs::status(dir / "a").permissions() & fs::perms::mask) == fs::perms(0700));
  CHECK((fs::status(dir / "a/b").permissions() & fs::perms::mask) == fs::perms(0755));
  CHECK((fs::status(dir / "a/b/c").permissions() & fs::perms::mask) == fs::perms(0755));
}

TEST_CASE("a folder keeps the group that it inherits, unless the umask is too tight") {
  const test::TempDir dir;
  fs::permissions(dir.path(), fs::perms(02750));
  for (const mode_t mask : {0022U, 0027U, 0077U}) {
    const auto folder = dir / std::to_string(mask);
    const mode_t umask_before = ::umask(mask);
    storage::make_directories(folder, 0750);
    ::umask(umask_before);
    const auto wanted = fs::perms(mask == 0077U ? 0750 : 02750);
    CHECK((fs::status(folder).permissions() & fs::perms::mask) == wanted);
  }
}

TEST_CASE("a folder is as private as the first one above that is there") {
  const test::TempDir dir;
  CHECK(storage::mode_as_above(dir / "a/b/c") == 0700);
  fs::create_directory(dir / "a");
  fs::permissions(dir / "a", fs::perms(0750));
  CHECK(storage::mode_as_above(dir / "a/b/c") == 0750);
}

TEST_CASE("make_directories says what is in the way") {
  const test::TempDir dir;
  dir.write("file", "x");
  CHECK(failure_of([&] { storage::make_directories(dir / "file", 0755); }).code() ==
        std::errc::not_a_directory);
  CHECK(failure_of([&] { storage::make_directories(dir / "file/below", 0755); }).code() ==
        std::errc::not_a_directory);
}
