#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "storage/archives/unpack_limits.hpp"
#include "storage/archives/zip_directory.hpp"

namespace storage {

// What unpacking an archive would write, decided before anything is written.
struct Target {
  ZipMember member;
  std::string name;  // of the file; empty for what is not made: the one leading folder, and clutter
  bool clutter = false;
};

// All that unpacking one archive would write.
struct UnpackPlan {
  std::vector<Target> targets;        // as `members` came
  std::uint64_t total = 0;            // bytes, as the archive declares: more are never written
  std::vector<std::string> left_out;  // clutter, raw
};

// Throws Rejected for a name that is unsafe anywhere, for links and devices, folders, duplicates, encryption,
// and what is beyond the limits.
UnpackPlan plan_unpacking(std::vector<ZipMember> members, const UnpackLimits& limits);

}  // namespace storage
