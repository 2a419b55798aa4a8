#pragma once
#include <algorithm>
#include <string_view>

namespace conf {

// Takes the text up to the first `separator` off the front of `text`, and the separator. All of it where
// there is none. Pure.
inline std::string_view split_off(std::string_view& text, char separator) {
  const auto field = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(field.size() + 1, text.size()));
  return field;
}

}  // namespace conf
