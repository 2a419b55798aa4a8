#pragma once
#include <filesystem>

#include "storage/depot/upload_book.hpp"

namespace storage {

// What lies in every folder called uploads below `images`, whoever made it: files by their length, links and
// the like as files without one. Looks for such folders 8 levels deep, and counts 64 levels deep in them.
// What cannot be read counts nothing. May wait for the disk.
UploadUse count_uploads(const std::filesystem::path& images);

}  // namespace storage
