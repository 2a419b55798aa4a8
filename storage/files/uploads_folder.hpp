#pragma once
#include <optional>
#include <string_view>

#include "storage/files/path.hpp"

namespace storage {

class Root;

// What clients send lies in a folder of this name: in images/uploads, or in uploads/ of a user's root. So a
// folder of this name, at any level and whoever made it, holds no releases: no scan enters it, no watch looks
// at it, nothing is forgiven there and no hint leads there. What is in it is read by its exact path only. A
// link that the administrator makes to it, from elsewhere, is the administrator's word and counts.
constexpr std::string_view uploads_name = "uploads";

// Whether `path` is such a folder, or lies in one.
bool is_in_uploads(const Path& path);
// The same where the file system knows that folder by more names: another case, a dot at the end. A link to
// it is none of them. Looks at the disk.
bool is_in_uploads(const Root& root, const Path& path);
// What follows /uploads, the folder that may be written to; nothing for a path elsewhere.
std::optional<Path> below_uploads(const Path& path);

}  // namespace storage
