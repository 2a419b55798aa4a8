#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "storage/files/path.hpp"

namespace storage {

class Depot;

// What looking at a release again found. Sentences name the file, raw, and say what to do.
struct Verification {
  std::string path;
  std::uint64_t files = 0, bytes = 0;  // that were read
  bool recorded = false;  // there is a manifest; else only the files' own structure could be checked
  bool verified = false;  // as the manifest says; false without one
  std::vector<std::string> differences;  // from the manifest, or damage
  std::vector<std::string> remarks;      // what could not be confirmed, and files that nobody imported
};

// Reads every file of the release and compares it with what import wrote down, and with its own structure.
// Throws std::system_error when the disk fails, std::runtime_error for a release that is not there. Takes as
// long as reading everything: for the command line.
Verification verify_release(const Depot& depot, const Path& release);

// The paths of all releases that were imported, and not retired since: also of one whose folder is gone,
// which verify_release() says.
std::vector<Path> imported_releases(const Depot& depot);

}  // namespace storage
