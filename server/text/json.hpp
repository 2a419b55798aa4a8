#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "server/text/escape.hpp"

namespace server {

// `safe` as a JSON string, with its quotes. It holds no control characters, and only UTF-8: what escaped()
// gives.
std::string json_string(std::string_view safe);

// Any text as a JSON string, as it is and not in the log's form: for a program that wants the very path. What
// is not UTF-8 is written as U+FFFD, which is all that JSON has for it.
std::string json_text(std::string_view text);

// A list of JSON values, or of any texts as json_text() writes them.
std::string json_list(const std::vector<std::string>& values);
std::string json_texts(const std::vector<std::string>& texts);

// One JSON object, put together member by member.
class JsonObject {
 public:
  // In the escaped form of the log, and as much of it as there; of `whole` the text itself, as json_text().
  void add(std::string_view key, std::string_view hostile, std::size_t most = most_of_client);
  void add(std::string_view key, const char* text, std::size_t most = most_of_client) {
    add(key, std::string_view(text), most);
  }
  void add_safe(std::string_view key, std::string_view text);  // as it is
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
