#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/release.hpp"
#include "storage/root.hpp"
#include "storage/shelf.hpp"

namespace storage {

// Directories with the version taken out of its spelling: EWC_17_9_4a, EWC/17_9_4a and ewc/17.09.04a.0.6 are
// all "ewc", 17.9.4a.
struct Spelling {
  struct Part {
    std::string word;  // in lower case
    std::optional<Version> version = {};
  };
  std::vector<Part> parts;

  explicit Spelling(std::span<const std::string> directories);
  bool begins_with_version() const { return !parts.empty() && parts.front().version; }
  bool has_version() const;
};

// Whether `asked` spells the shelf's path. One that begins with the version may leave out what stands in
// front of it. The AP's version (17.9.4.27) and the controller's build are read in the shelf's .info files,
// because no other place ties them to a release.
bool spells(const Root& root, const Spelling& asked, const Shelf& shelf);

}  // namespace storage
