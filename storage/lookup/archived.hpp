#pragma once
#include <optional>
#include <string>
#include <vector>

#include "storage/files/path.hpp"
#include "storage/images/version.hpp"

namespace storage {

class Root;

// An archive that lies where images should: somebody copied a bundle into images/ as it came, or it could not
// be imported and lies in rejected/. A plain value.
struct Archived {
  Path path;              // below images/, or below rejected/
  bool rejected = false;  // then it lies there
  // The members' own names, without folders. None where they cannot be listed; then its name is all there is.
  std::vector<std::string> members = {};
  std::optional<Version> version = {};  // of the release that it would become

  bool holds(std::string_view name) const;
};

// By its name alone.
bool is_archive(std::string_view name);

// Lists the archive, unpacking nothing. May wait for the disk.
Archived look_into(const Root& root, Path path, bool rejected);

}  // namespace storage
