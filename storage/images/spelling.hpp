#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/images/version.hpp"

namespace storage {

// Directories with the version taken out of its spelling: EWC_17_9_4a, EWC/17_9_4a and ewc/17.09.04a.0.6 are
// all "ewc", 17.9.4a.
struct Spelling {
  struct Part {
    std::string word;  // in lower case
    std::optional<Version> version = {};
  };
  std::vector<Part> parts;

  Spelling() = default;
  explicit Spelling(std::span<const std::string> directories);
  bool begins_with_version() const { return !parts.empty() && parts.front().version; }
  const Version* version() const;  // the last; none in most names
};

// Whether `asked` spells `real`. One that begins with the version may leave out what stands in front of it.
// `builds` are the other versions that tell of the same release: the AP's (17.9.4.27) and the controller's.
bool spells(const Spelling& asked, const Spelling& real, std::span<const Version> builds);

// The version that a directory's name ends in: "17_9_4a" and "EWC_17_9_4a" have one; "Wrong-Path" and "C9800"
// have not.
std::optional<Version> version_in(std::string_view directory);

}  // namespace storage
