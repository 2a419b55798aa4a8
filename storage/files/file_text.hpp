#pragma once
#include <cstddef>
#include <string>

#include "storage/files/file.hpp"

namespace storage {

// The content of a small file, its first `most` bytes. Used in place of a stream: Windows neither replaces
// nor removes a file that a stream has open, but does so with a File's. Throws std::system_error. May wait
// for the disk.
std::string text_of(const File& file, std::size_t most);

}  // namespace storage
