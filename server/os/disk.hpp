#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

namespace server {

// What a file system lies on, as far as a depot cares; `program` is FUSE.
enum class DiskKind : std::uint8_t { disk, memory, network, program, without_owners };
// The file system of a folder.
struct Disk {
  DiskKind kind = DiskKind::disk;
  std::string name;  // "NFS"; empty for a disk, whatever its file system
};
// Nothing where `folder` cannot be examined. May wait for the disk.
std::optional<Disk> disk_of(const std::filesystem::path& folder);

// Why this process cannot watch `folder` for changes; no error where it can.
std::error_code watch_failure(const std::filesystem::path& folder);

}  // namespace server
