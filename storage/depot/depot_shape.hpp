#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace storage {

class Depot;

// What is wrong with how a depot lies on its disk. Both may wait for it.

// The first image (its path) that lies in the depot's directory and not below images/, where alone it would
// be served; empty for none. Looks at a thousand names at most.
std::filesystem::path image_beside(const Depot& depot);

// Whether images/ lies on another file system than state/, so that nothing can be published by a rename.
bool is_split(const Depot& depot);

// What lies below images/ under a name that no client can ask for, with a colon or a backslash: the first few
// paths. Looks at 200,000 names at most, and at no uploads.
std::vector<std::filesystem::path> unaskable_names(const Depot& depot);
// The sentence about such a path; raw.
std::string unaskable_text(const Depot& depot, const std::filesystem::path& path);

}  // namespace storage
