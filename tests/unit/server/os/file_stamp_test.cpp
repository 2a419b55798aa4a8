#include "server/os/file_stamp.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include "tests/support/temp_dir.hpp"

using server::FileStamp, server::stamp_of;
namespace fs = std::filesystem;

TEST_CASE("a file is the same one only if nothing that tells is different") {
  const FileStamp stamp{1, 2, 3, 4, 5, false};
  CHECK(stamp.same_as({1, 2, 3, 4, 5, true}));  // that it was fresh says nothing of the file
  for (const auto& other :
       {FileStamp{9, 2, 3, 4, 5, false}, FileStamp{1, 9, 3, 4, 5, false}, FileStamp{1, 2, 9, 4, 5, false},
        FileStamp{1, 2, 3, 9, 5, false}, FileStamp{1, 2, 3, 4, 9, false}}) {
    CHECK_FALSE(stamp.same_as(other));
    CHECK_FALSE(other.same_as(stamp));
  }
}

TEST_CASE("a stamp has the file's size and times, down to nanoseconds") {
  const test::TempDir dir;
  const auto file = dir.write("users", "12345");
  const std::array<timespec, 2> times{timespec{1, 0}, timespec{1'700'000'000, 123'456'789}};
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0) == 0);
  const auto stamp = stamp_of(file);
  REQUIRE(stamp);
  CHECK(stamp->size == 5);
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  if (status.st_mtim.tv_nsec != 0) CHECK(stamp->modified == 1'700'000'000'123'456'789);
  CHECK(stamp->changed / 1'000'000'000 == status.st_ctim.tv_sec);
  CHECK(stamp->same_as(*stamp_of(file)));
}

TEST_CASE("a file that was replaced is another one, though it has the same size and the same time") {
  const test::TempDir dir;
  const auto file = dir.write("users", "12345"), other = dir.write("users.new", "54321");
  const auto time = fs::last_write_time(file);
  fs::last_write_time(other, time);
  const auto before = stamp_of(file);
  fs::rename(other, file);
  const auto after = stamp_of(file);
  REQUIRE(before);
  REQUIRE(after);
  CHECK(before->modified == after->modified);
  CHECK(before->size == after->size);
  CHECK_FALSE(before->same_as(*after));
}

TEST_CASE("a file that was just changed is fresh, whatever time it says itself, and an old one is not") {
  const test::TempDir dir;
  const auto file = dir.write("users", "x");
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1000));
  CHECK(stamp_of(file).value().fresh);
  CHECK_FALSE(stamp_of("/bin/sh").value().fresh);
}

TEST_CASE("a link has the stamp of the file that it leads to, and nothing where it leads nowhere") {
  const test::TempDir dir;
  const auto file = dir.write("users", "x");
  fs::create_symlink(file, dir / "link");
  CHECK(stamp_of(dir / "link").value().same_as(*stamp_of(file)));
  fs::remove(file);
  CHECK_FALSE(stamp_of(dir / "link"));
  CHECK_FALSE(stamp_of(file));
}
