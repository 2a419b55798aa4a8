#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/import.hpp"
#include "storage/manifest.hpp"

namespace storage {

// Unpacks the ZIP archive `archive` into the empty directory `target`: regular files only, one common leading
// folder stripped, each member's CRC checked and its SHA-256 taken on the way, each file and the directory
// synced. Members come back in the order of their names. A file that already holds a name is never replaced.
//
// Throws Rejected for an archive that is damaged, hostile, beyond the limits or no archive; std::system_error
// when the disk fails.
std::vector<Member> unpack(const std::filesystem::path& archive, const std::filesystem::path& target,
                           const ImportSettings& limits);

}  // namespace storage
