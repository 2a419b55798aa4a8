#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "storage/releases/manifest.hpp"

namespace storage {

class Depot;

enum class Replace { no, yes };  // what is published there and differs

// Both make visible what lies in the staging area, whole and by one rename, and write the manifest; a release
// that is replaced, where two folders cannot be exchanged, by one rename a file (changeover.hpp). False, with
// nothing changed, when the same is published there already. They add to `warnings` what the administrator
// should know. What is replaced is left to those who have it open.
//
// Throw Rejected when something else is published there, std::system_error when the depot fails; then
// nothing was published and nothing is left behind. But a disk that fails after the last rename, or a process
// that is killed there, leaves it published: publishing it again says so.

// Makes the directory `content` the release `manifest.path`. Single images that lie in the release stay
// there.
bool publish_bundle(const Depot& depot, const std::filesystem::path& content, Manifest manifest,
                    Replace replace, std::vector<std::string>& warnings);

// Puts `file` into the directory `manifest.path` beside what is there, unless 2,000 such images lie there.
// The manifest has this one member and origin.
bool publish_image(const Depot& depot, const std::filesystem::path& file, const Manifest& manifest,
                   Replace replace, std::vector<std::string>& warnings);

}  // namespace storage
