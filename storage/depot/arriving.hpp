#pragma once
#include <filesystem>

#include "storage/depot/depot.hpp"

namespace storage {

// Where files for drop/ grow that come in pieces: a part of the staging folder that outlives a process. Pure.
inline std::filesystem::path arriving_in(const Depot& depot) { return depot.staging() / "uploads"; }

}  // namespace storage
