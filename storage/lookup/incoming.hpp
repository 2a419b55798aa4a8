#pragma once
#include <optional>
#include <vector>

#include "storage/lookup/archived.hpp"

namespace storage {

class Depot;

// A bundle that is not published yet: one in drop/, or one that a command imports from elsewhere.
struct Incoming {
  Archived archive;                      // its path is below drop/ where it lies there
  std::optional<unsigned> percent = {};  // of its import; nothing while it waits for its turn
};

// The bundles that the depot will have soon, for whoever explains why a file is not there: those being
// imported first, and no more than a few, by their names alone. Lists drop/: may wait for the disk.
std::vector<Incoming> incoming_bundles(const Depot& depot);

}  // namespace storage
