#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace storage {

// A path as text is UTF-8 with '/' between the components, on every system: in settings, in messages, in JSON
// and over the network. Only these two make a std::filesystem::path of such a text, and a text of a path: on
// Windows, libstdc++ takes each byte of a std::string for a character of its own, and path::string() has
// backslashes. Pure; any thread.
//
// Linux keeps every byte as it is. On Windows both throw std::system_error, with
// errc::illegal_byte_sequence, for what is not Unicode.

std::filesystem::path path_of(std::string_view utf8);
std::string utf8_of(const std::filesystem::path& path);

}  // namespace storage
