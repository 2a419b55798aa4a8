#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "storage/archives/bundle_format.hpp"

namespace storage {

class File;

// Archives and packed files that are not unpacked here, told by their content, so that none is published as
// if it were an image.

// "7-Zip", "RAR", "bzip2"; empty for what is none that is known. Pure.
std::string_view foreign_archive(std::string_view beginning);

// Why `file` cannot be published and what to do, in a sentence; empty for a file that is no such archive.
// `format` is what format_of() says of it. Reads its beginning and its end. Throws std::system_error.
std::string foreign_archive_advice(const File& file, BundleFormat format, std::string_view name);

}  // namespace storage
