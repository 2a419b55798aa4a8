#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/files/path.hpp"
#include "storage/images/spelling.hpp"

namespace storage {

// A directory that holds files: a release, or whatever an administrator put below the root. A plain value.
struct Shelf {
  struct File {
    std::string name;
    std::uint64_t size = 0;
  };

  Path path;
  std::vector<File> files = {};  // by name
  bool linked = false;           // reached through a link, so most likely another name of a shelf
  bool promoted = false;         // `current` beside it leads to it
  // The lines of its .info files, where it has them.
  std::optional<std::string> controller_version = {}, ap_version = {};

  // What follows from these, for lookups.
  std::optional<Version> named = {};  // the version that its name ends in
  Spelling spelling = {};             // of the path; of the content where the path has no version
  std::vector<Version> builds = {};   // the versions in its .info files

  bool has_images() const;
  // The file of that name, or else the only one whose name differs by case alone.
  const std::string* file(std::string_view name) const;
  // What the content says, and the name where the content says nothing or less: 17.9.4a.
  std::optional<Version> version() const;
};

// Fills in what follows from the path and the .info lines.
void describe(Shelf& shelf);

}  // namespace storage
