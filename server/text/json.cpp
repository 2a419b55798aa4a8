#include "server/text/json.hpp"

#include <cstddef>

namespace server {

namespace {

// The length of the UTF-8 sequence that `text` begins with; 0 for what is not UTF-8 (RFC 3629).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const bool bad_first = first < 0xc2 || first > 0xf4;
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool no_character = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
  if (bad_first || overlong || no_character) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  return length;
}

std::string json_character(std::string_view sequence) {
  const char c = sequence.front();
  if (c == '"' || c == '\\') return std::string("\\") + c;
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f ? fmt::format("\\u{:04x}", byte) : std::string(sequence);
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto length = sequence_length(text);
    out += length == 0 ? "\\ufffd" : json_character(text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
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

void JsonObject::add(std::string_view key, std::string_view hostile, std::size_t most) {
  if (most == whole) return add_raw(key, json_text(hostile));
  add_safe(key, escaped(hostile, most));
}

void JsonObject::add_safe(std::string_view key, std::string_view text) { add_raw(key, json_string(text)); }

void JsonObject::add_raw(std::string_view key, std::string_view json) {
  members_ += fmt::format("{}{}:{}", members_.empty() ? "" : ",", json_string(key), json);
}

}  // namespace server
