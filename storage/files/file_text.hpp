#pragma once
#include <cstddef>
#include <string>

#include "storage/files/file.hpp"

namespace storage {

// What a small file holds, `most` bytes of it. In place of a stream: on Windows a file that a stream has open
// can be neither replaced nor removed, and a File's can. Throws std::system_error. May wait for the disk.
std::string text_of(const File& file, std::size_t most);

}  // namespace storage
