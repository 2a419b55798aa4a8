#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

namespace server {

// What tells that a file is still the same one with the same content.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified = 0, changed = 0;  // nanoseconds since 1970
  // It was changed so shortly ago that another change may get the same times.
  bool fresh = false;

  bool same_as(const FileStamp& other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           modified == other.modified && changed == other.changed;
  }
};

// Nothing when there is none. Blocks: for a worker.
std::optional<FileStamp> stamp_of(const std::filesystem::path& file);

}  // namespace server
