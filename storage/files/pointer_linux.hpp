#pragma once
#include <optional>
#include <string>

#include "storage/files/file.hpp"

namespace storage {

// What the pointer (pointer.hpp) of that name in the folder leads to. Nothing where the file, which has these
// attributes, is not one, or cannot be read.
std::optional<std::string> read_pointer(int folder, const std::string& name, const Attributes& own);
// How a Root shows one.
Attributes as_link(const Attributes& pointer, const std::string& target);

}  // namespace storage
