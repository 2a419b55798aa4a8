#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <type_traits>

namespace server {

// `safe` as a JSON string, with its quotes. It holds no control characters, and only UTF-8: what escaped()
// gives.
std::string json_string(std::string_view safe);

// One JSON object, put together member by member.
class JsonObject {
 public:
  void add(std::string_view key, std::string_view hostile);    // in the escaped form of the log
  void add_safe(std::string_view key, std::string_view text);  // as it is
  void add(std::string_view key, const char* text) { add(key, std::string_view(text)); }
  void add(std::string_view key, bool value) { add_raw(key, value ? "true" : "false"); }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void add(std::string_view key, Number value) { add_raw(key, fmt::format("{}", value)); }
  void add_raw(std::string_view key, std::string_view json);
  std::string text() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

}  // namespace server
