#include "storage/files/windows_name.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "storage/files/code_point.hpp"

namespace storage {
namespace {

constexpr std::size_t longest = 255;  // UTF-16 units

// Superscripts count as digits: COM¹ is COM1.
bool is_digit(std::string_view text) {
  return (text.size() == 1 && text[0] >= '0' && text[0] <= '9') || text == "¹" || text == "²" || text == "³";
}

bool is_device(std::string_view name) {
  std::string stem(name.substr(0, name.find('.')));
  stem.resize(stem.find_last_not_of(' ') + 1);
  std::ranges::transform(stem, stem.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  constexpr std::array<std::string_view, 7> devices{"CON",    "PRN",     "AUX",   "NUL",
                                                    "CONIN$", "CONOUT$", "CLOCK$"};
  if (std::ranges::find(devices, stem) != devices.end()) return true;
  return (stem.starts_with("COM") || stem.starts_with("LPT")) && is_digit(std::string_view(stem).substr(3));
}

}  // namespace

bool is_windows_name(std::string_view name) {
  if (name.empty() || name.back() == '.' || name.back() == ' ' || is_device(name)) return false;
  std::size_t units = 0;
  while (!name.empty()) {
    const auto character = first_character(name);
    if (!character.valid || character.code < 0x20) return false;
    if (character.length == 1 && std::string_view("<>:\"/\\|?*").find(name.front()) != std::string_view::npos)
      return false;
    units += character.code > 0xffff ? 2 : 1;
    name.remove_prefix(character.length);
  }
  return units <= longest;
}

}  // namespace storage
