#include "storage/files/path_text.hpp"

#include <algorithm>

namespace storage {

std::filesystem::path path_of(std::string_view utf8) {
  return std::filesystem::path(std::u8string(utf8.begin(), utf8.end()));
}

std::string utf8_of(const std::filesystem::path& path) {
  auto text = path.u8string();  // generic_u8string() would make one of two slashes
  if constexpr (std::filesystem::path::preferred_separator != '/') std::ranges::replace(text, u8'\\', u8'/');
  return {text.begin(), text.end()};
}

}  // namespace storage
