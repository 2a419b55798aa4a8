#include "storage/files/pointer.hpp"

#include <algorithm>

#include "storage/files/path.hpp"

namespace storage {

std::optional<std::string> pointer_target(std::string_view content) {
  if (content.size() > longest_pointer) return {};
  const auto name = content.substr(0, content.find_last_not_of(" \t\r\n") + 1);
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (!Path::is_component(name) || name == pointer_name || std::ranges::any_of(name, is_control)) return {};
  return std::string(name);
}

std::string pointer_to(std::string_view folder) { return std::string(folder) + "\n"; }

}  // namespace storage
