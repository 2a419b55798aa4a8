#pragma once
#include <string>
#include <string_view>

namespace storage {

// What a library or a system said may hold line breaks, and what a stranger wrote anything. In one line, on a
// terminal and in a file: each run of control characters and of such that show as nothing, break a line or
// turn the text round (U+2028, U+202E and their kind) becomes one space, and none is left at either end.
// Bytes that are not UTF-8 become "?".
std::string one_line(std::string_view text);

}  // namespace storage
