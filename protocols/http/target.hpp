#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace protocols::http {

// What a request line asks for: a name as a client means it, and what follows its "?", as it came. Both
// are hostile.
struct Target {
  std::string name;  // "/EWC/17_9_4a/ap1g8", percent signs decoded; it may hold any byte
  std::string query;
};

// "/EWC/ap1g8?json", "http://192.0.2.2/EWC/ap1g8". Nothing for what names no file: "*", "host:443". A path
// with a percent sign that has not two hexadecimal digits is taken as it stands. Pure; any thread.
std::optional<Target> parse_target(std::string_view target);

// `path` as a URL has it: whatever is not a letter, digit, "/" or one of "-._~" with percent signs.
std::string encoded_path(std::string_view path);

}  // namespace protocols::http
