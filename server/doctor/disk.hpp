#pragma once
#include <cstdint>
#include <string>
#include <system_error>

#include "server/doctor/result.hpp"
#include "server/os/disk.hpp"
#include "storage/files/root.hpp"

namespace server::doctor {

// The room that is left in the depot.
struct RoomReading {
  storage::Space space;
  std::uint64_t largest = 0;  // bytes of the largest release
  std::string oldest;         // a release that could go: "/EWC/17_3_3"; empty where each may be needed. Raw
  std::string depot;          // its directory. Raw
};
// Both are pure.
Result judge_room(const RoomReading& reading);

// What the file system cannot do that a depot needs.
struct FileSystemReading {
  Disk disk;
  bool split = false;        // images/ lies on another one than state/
  bool folds_case = false;   // IMAGES is images
  std::error_code no_watch;  // why drop/ cannot be watched
};
Result judge_file_system(const FileSystemReading& reading);

}  // namespace server::doctor
