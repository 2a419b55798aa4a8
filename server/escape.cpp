#include "server/escape.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace server {
namespace {

// The length of the well-formed UTF-8 sequence at the front, or 0 (Unicode 15, table 3-7). C1 controls count
// as none.
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const auto first = at(0);
  if (first >= 0xc2 && first <= 0xdf) return tail(1) && !(first == 0xc2 && at(1) < 0xa0) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && at(1) < 0xa0, surrogate = first == 0xed && at(1) > 0x9f;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && at(1) < 0x90, too_high = first == 0xf4 && at(1) > 0x8f;
    return tail(1) && tail(2) && tail(3) && !overlong && !too_high ? 4 : 0;
  }
  return 0;
}

constexpr std::size_t longest = 1024;

}  // namespace

std::string escaped(std::string_view hostile) {
  if (hostile.size() > longest) return escaped(hostile.substr(0, longest)) + "...";
  std::string safe;
  safe.reserve(hostile.size());
  while (!hostile.empty()) {
    const char c = hostile.front();
    std::size_t taken = 1;
    if (c == '\\') {
      safe += "\\\\";
    } else if (c == '\n') {
      safe += "\\n";
    } else if (c == '\r') {
      safe += "\\r";
    } else if (c == '\t') {
      safe += "\\t";
    } else if (c >= ' ' && c <= '~') {
      safe += c;
    } else if (const auto length = utf8_length(hostile)) {
      safe += hostile.substr(0, length);
      taken = length;
    } else {
      safe += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(c));
    }
    hostile.remove_prefix(taken);
  }
  return safe;
}

}  // namespace server
