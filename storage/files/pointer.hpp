#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace storage {

// `current`, a small file whose one line names a folder beside it, as "17_9_4a". A Root follows it, and shows
// it to its callers, as a symbolic link to that folder: a service on Windows may not make such a link, and
// many shares and sticks know none. To every other program it is a file with a name in it. What clients sent
// (uploads_folder.hpp) is never such a pointer.
constexpr std::string_view pointer_name = "current";

// No file with more bytes is a pointer.
constexpr std::size_t longest_pointer = 300;

// The name of the folder that a file with this content leads to. Nothing where the content is not exactly one
// such name: the file is one like any other then. Blanks and line ends after the name do not count.
std::optional<std::string> pointer_target(std::string_view content);
// The content of one that leads to `folder`.
std::string pointer_to(std::string_view folder);

}  // namespace storage
