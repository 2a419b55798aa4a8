#include "server/text/json_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "storage/files/one_line.hpp"

namespace server {
namespace {

// The code unit of an escape such as \ud83d at the front of `text`.
std::optional<std::uint32_t> unit_at(std::string_view text) {
  if (text.size() < 6 || !text.starts_with("\\u")) return {};
  std::uint32_t unit = 0;
  const auto* const end = text.data() + 6;
  const auto [stop, error] = std::from_chars(text.data() + 2, end, unit, 16);
  return error == std::errc{} && stop == end ? std::optional(unit) : std::nullopt;
}

// The character of a surrogate pair, two such escapes, at the front of `text`.
std::optional<std::uint32_t> pair_at(std::string_view text) {
  const auto first = unit_at(text);
  if (!first || *first < 0xD800 || *first > 0xDBFF) return {};
  const auto second = unit_at(text.substr(6));
  if (!second || *second < 0xDC00 || *second > 0xDFFF) return {};
  return 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
}

// YAML knows no surrogate pairs, and yaml-cpp refuses each half of one: \ud83d\ude00 becomes \U0001f600.
std::string with_joined_pairs(std::string_view text) {
  std::string joined;
  joined.reserve(text.size());
  for (;;) {
    const auto escape = text.find('\\');
    joined += text.substr(0, escape);
    if (escape == text.npos) return joined;
    text.remove_prefix(escape);
    const auto character = pair_at(text);
    const auto taken = character ? 12 : std::min<std::size_t>(2, text.size());
    joined += character ? fmt::format("\\U{:08x}", *character) : std::string(text.substr(0, taken));
    text.remove_prefix(taken);
  }
}

}  // namespace

YAML::Node read_json(const std::string& text, const std::string& whose) {
  try {
    return YAML::Load(with_joined_pairs(text));
  } catch (const YAML::Exception& e) {
    throw std::runtime_error(fmt::format("{} cannot be read: {}", whose, e.what()));
  }
}

std::string text_said(const YAML::Node& node, const char* key) {
  return storage::one_line(member<std::string>(node, key).value_or(""));
}

std::string text_said(const std::string& body) {
  std::string lines;
  for (std::string_view rest = body; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    lines += storage::one_line(rest.substr(0, end));
    if (end < rest.size()) lines += '\n';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

YAML::Node read_object(const std::string& text, const std::string& whose) {
  auto node = read_json(text, whose);
  if (!node.IsMap()) throw std::runtime_error(fmt::format("{} is not a JSON object", whose));
  return node;
}

}  // namespace server
