#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/path.hpp"
#include "storage/release.hpp"
#include "storage/root.hpp"

namespace storage {

// A directory that holds files: a release, or whatever an administrator put below the root.
struct Shelf {
  Path path;
  std::vector<std::string> files = {};  // sorted
  bool linked = false;                  // reached through a link, so most likely another name of a shelf

  bool has_images() const;
  // The file of that name, or else the only one whose name differs by case alone.
  const std::string* file(std::string_view name) const;
};

// No path of a shelf has more components.
constexpr std::size_t deepest_shelf = 4;

// Every shelf below the root, always in the same order. Costs a scan, which is bounded. May wait for the
// disk.
std::vector<Shelf> scan_shelves(const Root& root);

// The version that a directory's name ends in: "17_9_4a" and "EWC_17_9_4a" have one; "Wrong-Path" and "C9800"
// have not.
std::optional<Version> version_in(std::string_view directory);

}  // namespace storage
