#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace server {

// A JSON object (RFC 8259) whose values are texts, as a stranger's form sends it: by key. Nothing for any
// other text: nested values, other kinds, a key twice, bytes after it, what is not UTF-8. Pure; in one pass
// and without recursion, whatever it is given.
std::optional<std::map<std::string, std::string>> flat_json(std::string_view text);

}  // namespace server
