#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "storage/depot.hpp"
#include "storage/manifest.hpp"

namespace storage {

// Makes the directory `content`, which lies in the depot, the release `manifest.path`: the manifest first,
// then one rename. False, with nothing changed, when the same members are published there already. Adds to
// `warnings` what the administrator should know.
//
// Throws Rejected when something else is published there, std::system_error when the depot fails; then
// nothing was published and nothing is left behind.
bool publish(const Depot& depot, const std::filesystem::path& content, const Manifest& manifest,
             std::vector<std::string>& warnings);

}  // namespace storage
