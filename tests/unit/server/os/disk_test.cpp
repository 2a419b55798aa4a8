#include "server/os/disk.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

using server::DiskKind;

namespace {

// Where this process sees a file system of that type; empty where it has none.
std::vector<std::string> places_of(const std::string& type) {
  std::vector<std::string> places;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string number, parent, device, root, place, kind;
    words >> number >> parent >> device >> root >> place;
    const auto dash = line.find(" - ");
    if (dash != line.npos) kind = line.substr(dash + 3, line.find(' ', dash + 3) - dash - 3);
    struct stat there {};
    if (kind != type || ::stat(place.c_str(), &there) != 0) continue;
    // Another file system may be mounted over it.
    if (fmt::format("{}:{}", major(there.st_dev), minor(there.st_dev)) == device) places.push_back(place);
  }
  return places;
}

}  // namespace

TEST_CASE("a folder in memory is told from one on a disk") {
  for (const auto& place : places_of("tmpfs")) {
    CAPTURE(place);
    const auto disk = server::disk_of(place);
    REQUIRE(disk);
    CHECK(disk->kind == DiskKind::memory);
    CHECK(disk->name == "tmpfs");
  }
  for (const auto* type : {"ext4", "xfs", "btrfs", "overlay", "proc", "sysfs"}) {
    for (const auto& place : places_of(type)) {
      CAPTURE(place);
      const auto disk = server::disk_of(place);
      REQUIRE(disk);
      CHECK(disk->kind == DiskKind::disk);
      CHECK(disk->name.empty());
    }
  }
}

TEST_CASE("a folder that is not there has no file system and cannot be watched, and a file neither") {
  const test::TempDir dir;
  CHECK(server::disk_of(dir.path()));
  CHECK_FALSE(server::watch_failure(dir.path()));
  CHECK_FALSE(server::disk_of(dir / "missing"));
  CHECK(server::watch_failure(dir / "missing") == std::errc::no_such_file_or_directory);
  CHECK(server::watch_failure(dir.write("file", "x")) == std::errc::not_a_directory);
  CHECK_FALSE(server::disk_of(dir / "file/below"));
}
