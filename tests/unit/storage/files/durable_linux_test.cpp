#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/files/durable.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;

TEST_CASE("a file is written with its mode, whatever the umask") {
  const test::TempDir dir;
  const mode_t umask_before = ::umask(0077);
  storage::write_durably(dir / "file", "first, and longer", 0644);
  ::umask(umask_before);
  CHECK((fs::status(dir / "file").permissions() & fs::perms::mask) == fs::perms(0644));
  storage::write_durably(dir / "file", "second", 0600);
  CHECK((fs::status(dir / "file").permissions() & fs::perms::mask) == fs::perms(0600));
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
