#include "storage/files/one_line.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace storage {
namespace {

struct Letter {
  char32_t code = 0;
  std::size_t length = 1;
};

// Nothing where the text does not begin with well-formed UTF-8.
std::optional<Letter> first_letter(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return Letter{first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  constexpr char32_t least[]{0, 0, 0x80, 0x800, 0x10000};
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return std::nullopt;
  char32_t code = first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return std::nullopt;
    code = code << 6U | (byte(i) & 0x3fU);
  }
  if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return std::nullopt;
  return Letter{code, length};
}

bool shows(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  if (code == 0xad || code == 0x61c || code == 0xfeff) return false;
  if (code >= 0x200b && code <= 0x200f) return false;  // of no width, and marks of direction
  if (code >= 0x2028 && code <= 0x202e) return false;  // breaks, embeddings, overrides
  return code < 0x2060 || code > 0x206f;               // isolates, and operators that do not show
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  bool space = false;
  while (!text.empty()) {
    const auto letter = first_letter(text);
    const auto length = letter ? letter->length : 1;
    if ((letter && !shows(letter->code)) || (space && text.front() == ' ')) {
      space = true;
    } else {
      if (space && !line.empty() && line.back() != ' ') line += ' ';
      space = false;
      line += letter ? text.substr(0, length) : "?";
    }
    text.remove_prefix(length);
  }
  line.erase(0, line.find_first_not_of(' '));
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace storage
