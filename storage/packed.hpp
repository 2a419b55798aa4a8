#pragma once
#include <optional>
#include <span>

#include "storage/shelf.hpp"

namespace storage {

// The archive on a shelf that holds a member of the name asked: somebody copied a bundle into images/ as it
// came. One of the directory or the release asked; any other only if `any_release`. Lists a bounded number of
// archives and unpacks nothing. May wait for the disk.
std::optional<Path> packed_in(const Root& root, std::span<const Shelf> shelves, const Path& asked,
                              bool any_release);

}  // namespace storage
