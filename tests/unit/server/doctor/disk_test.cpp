#include "server/doctor/disk.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;
using server::DiskKind;

namespace {

constexpr std::uint64_t megabyte = 1'000'000;

RoomReading room(std::uint64_t available) {
  RoomReading reading;
  reading.space.available = available;
  reading.space.files = 1000;
  reading.space.free_files = 500;
  reading.largest = 700 * megabyte;
  reading.depot = "/srv/depot";
  return reading;
}

FileSystemReading on(DiskKind kind, const char* name = "") { return {{kind, name}, false, false, {}}; }

}  // namespace

TEST_CASE("less than 64 MiB fails, and less than two of the largest release is to look at") {
  CHECK(judge_room(room(1400 * megabyte)).state() == State::ok);
  CHECK(judge_room(room(1399 * megabyte)).state() == State::look);
  CHECK(judge_room(room(67'108'864)).state() == State::look);
  CHECK(judge_room(room(67'108'863)).state() == State::fails);
  auto reading = room(0);
  CHECK(judge_room(reading).findings().front().fix == "du -xh --max-depth=2 /srv/depot");
  reading.oldest = "/EWC/17_3_3";
  CHECK(judge_room(reading).findings().front().fix == "apdepot retire /EWC/17_3_3");
}

TEST_CASE("a disk without inodes fails, and one without a table of them does not") {
  auto reading = room(2000 * megabyte);
  reading.space.free_files = 99;
  CHECK(judge_room(reading).state() == State::fails);
  reading.space.files = reading.space.free_files = 0;
  CHECK(judge_room(reading).state() == State::ok);
}

TEST_CASE("a disk that can only be read fails") {
  auto reading = room(2000 * megabyte);
  reading.space.read_only = true;
  CHECK(judge_room(reading).state() == State::fails);
}

TEST_CASE("a depot belongs on one disk of this host") {
  CHECK(judge_file_system(on(DiskKind::disk)).state() == State::ok);
  CHECK(judge_file_system(on(DiskKind::network, "NFS")).findings().front().found.find("(NFS)") !=
        std::string::npos);
  for (const auto kind : {DiskKind::memory, DiskKind::network, DiskKind::program, DiskKind::without_owners})
    CHECK(judge_file_system(on(kind, "x")).state() == State::look);
  auto reading = on(DiskKind::disk);
  reading.folds_case = true;
  CHECK(judge_file_system(reading).state() == State::look);
  reading.split = true;
  CHECK(judge_file_system(reading).state() == State::fails);
}

TEST_CASE("too many watches are a limit and not a fault of the file system") {
  auto reading = on(DiskKind::disk);
  reading.no_watch = std::make_error_code(std::errc::no_space_on_device);
  CHECK(judge_file_system(reading).state() == State::ok);
  reading.no_watch = std::make_error_code(std::errc::function_not_supported);
  CHECK(judge_file_system(reading).state() == State::look);
}
