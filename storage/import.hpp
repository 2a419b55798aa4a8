#pragma once
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/depot.hpp"

namespace storage {

// The bounds for a hostile archive, and where releases go. conf/ fills this in from the key `import`.
struct ImportSettings {
  std::string layout = "{product}/{release}";
  std::uint64_t max_members = 10'000;
  std::uint64_t max_total = 16ULL << 30;  // bytes, unpacked
  std::uint64_t max_ratio = 200;          // unpacked to packed, for one member and for the whole
  friend bool operator==(const ImportSettings&, const ImportSettings&) = default;
};

struct Imported {
  std::string path;  // "/EWC/17_9_4a"
  std::uint64_t members = 0, bytes = 0;
  bool already_there =
      false;  // the same members with the same digests are published already: nothing was changed
  std::vector<std::string> warnings;
};

// Why a bundle was not published, in a sentence for the administrator: what is wrong with it and what to do.
struct Rejected : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Verifies `bundle`, unpacks it into a staging directory of the depot and publishes it by one rename.
// `bundle` itself is only read. Nothing is visible below images/ before the rename, nothing there is ever
// overwritten, and whatever goes wrong leaves nothing behind. Blocks for seconds: for a worker or the command
// line, never for the loop. Safe beside other imports, in this process or another.
//
// Throws Rejected for a bundle that cannot be published, std::system_error when the depot fails (full,
// read-only): then the same bundle may well do later.
Imported import_bundle(const Depot& depot, const std::filesystem::path& bundle,
                       const ImportSettings& settings);

}  // namespace storage
