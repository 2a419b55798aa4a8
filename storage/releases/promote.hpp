#pragma once
#include <stdexcept>

#include "storage/files/path.hpp"

namespace storage {

class Depot;

// Why `current` stays as it is, in a sentence for the administrator.
struct NotPromoted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Makes `current` lead to the release, by one rename: a pointer (files/pointer.hpp), or a symbolic link where
// there is one, because other programs may follow it. Throws NotPromoted where somebody made a `current` of
// another kind, std::system_error when the depot fails. May wait for the disk.
void promote(const Depot& depot, const Path& release);

}  // namespace storage
