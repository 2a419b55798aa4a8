#pragma once
#include <optional>
#include <string>

#include "storage/files/nt_windows.hpp"

namespace storage {

// What the pointer (pointer.hpp) of that name in the folder leads to. Nothing where the file, which has these
// attributes, is not one, or cannot be read.
std::optional<std::string> read_pointer(HANDLE folder, std::string_view name, const Attributes& own);
// How a Root shows one.
Attributes as_link(const Attributes& pointer, const std::string& target);

}  // namespace storage
