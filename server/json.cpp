#include "server/json.hpp"

namespace server {

std::string json_string(std::string_view safe) {
  std::string out = "\"";
  for (const char c : safe) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

void JsonObject::add(std::string_view key, std::string_view hostile, std::size_t most) {
  add_safe(key, escaped(hostile, most));
}

void JsonObject::add_safe(std::string_view key, std::string_view text) { add_raw(key, json_string(text)); }

void JsonObject::add_raw(std::string_view key, std::string_view json) {
  members_ += fmt::format("{}{}:{}", members_.empty() ? "" : ",", json_string(key), json);
}

}  // namespace server
