#include "server/text/json.hpp"

#include <fmt/ranges.h>

#include <cstddef>
#include <cstdint>

#include "storage/files/code_point.hpp"

namespace server {

namespace {

// The character itself, or as \u where it does not show: JSON keeps the very text, and a terminal is safe.
std::string json_character(std::string_view text, const storage::Character& character) {
  if (!character.valid) return "\\ufffd";
  const auto code = static_cast<std::uint32_t>(character.code);
  if (code == '"' || code == '\\') return {'\\', static_cast<char>(code)};
  if (!storage::is_hidden(character.code)) return std::string(text.substr(0, character.length));
  return storage::json_escape(character.code);
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto character = storage::first_character(text);
    out += json_character(text, character);
    text.remove_prefix(character.length);
  }
  return out + "\"";
}

std::string json_string(std::string_view safe) {
  std::string out = "\"";
  for (const char c : safe) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string json_list(const std::vector<std::string>& values) {
  return fmt::format("[{}]", fmt::join(values, ","));
}

std::string json_texts(const std::vector<std::string>& texts) {
  std::vector<std::string> values;
  for (const auto& text : texts) values.push_back(json_text(text));
  return json_list(values);
}

void JsonObject::add(std::string_view key, std::string_view hostile, std::size_t most) {
  if (most == whole) return add_raw(key, json_text(hostile));
  add_safe(key, escaped(hostile, most));
}

void JsonObject::add_safe(std::string_view key, std::string_view text) { add_raw(key, json_string(text)); }

void JsonObject::add_raw(std::string_view key, std::string_view json) {
  members_ += fmt::format("{}{}:{}", members_.empty() ? "" : ",", json_string(key), json);
}

}  // namespace server
