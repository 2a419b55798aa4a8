#include "storage/lookup/unseen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "storage/files/code_point.hpp"

namespace storage {
namespace {

// ASCII's, the typographic ones, and the full-width one.
constexpr std::array<char32_t, 16> quotation_marks = {'"',    '\'',   '`',    0xab,   0xbb,   0x2018,
                                                      0x2019, 0x201a, 0x201b, 0x201c, 0x201d, 0x201e,
                                                      0x201f, 0x2039, 0x203a, 0xff02};

bool is_quotation_mark(const Character& character) {
  return character.valid && std::ranges::find(quotation_marks, character.code) != quotation_marks.end();
}

bool is_unseen(const Character& character) {
  return !character.valid || character.code == ' ' || is_hidden(character.code) ||
         is_quotation_mark(character);
}

std::string name_of(const Character& character) {
  if (is_quotation_mark(character)) return "a quotation mark";
  if (!character.valid) return fmt::format("the byte 0x{:02x}", static_cast<unsigned>(character.code));
  switch (character.code) {
    case ' ':
      return "a blank";
    case '\t':
      return "a tab";
    case '\r':
      return "a carriage return";
    case '\n':
      return "a line feed";
    default:
      return fmt::format("U+{:04X}, which does not show", static_cast<unsigned>(character.code));
  }
}

std::string_view shown_part(std::string_view name) {
  while (!name.empty() && is_unseen(first_character(name))) name.remove_prefix(first_character(name).length);
  while (!name.empty() && is_unseen(last_character(name))) name.remove_suffix(last_character(name).length);
  return name;
}

std::string describe(std::string_view name, std::string_view shown) {
  if (shown.empty()) return fmt::format("the name \"{}\" shows nothing", name);
  const auto at_start = name.starts_with(shown) ? "" : "starts with " + name_of(first_character(name));
  const auto at_end = name.ends_with(shown) ? "" : "ends with " + name_of(last_character(name));
  return fmt::format("\"{}\" {}{}{}", name, at_start, !at_start.empty() && !at_end.empty() ? " and " : "",
                     at_end);
}

}  // namespace

std::optional<Unseen> find_unseen(const Path& asked) {
  Unseen found;
  std::string text = "/";
  for (const std::string_view name : asked.components()) {
    const auto shown = shown_part(name);
    if (shown != name) found.what = describe(name, shown);
    text.append(shown).append("/");
  }
  const auto path = Path::parse(text);
  if (found.what.empty() || !path) return {};
  found.path = *path;
  return found;
}

}  // namespace storage
