#pragma once
#include <functional>
#include <vector>

#include "storage/lookup/archived.hpp"
#include "storage/lookup/shelf.hpp"

namespace storage {

class Directory;
class Root;

// What lies in a depot, as a scan saw it.
struct Scanned {
  std::vector<Shelf> shelves;  // always in the same order
  std::vector<Archived> archives;
  std::vector<Path> closed;  // folders that cannot be opened, and links that lead nowhere
};

// Reads every directory below the root, down to deepest_shelf, and the .info files in them; `visit` is called
// with each before it is read. What clients sent (uploads_folder.hpp) is left out. Bounded. May wait for the
// disk.
Scanned scan(const Root& root, const Root* rejected, const std::function<void(const Directory&)>& visit);

}  // namespace storage
