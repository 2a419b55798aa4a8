#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace protocols::http {

// With each %XX replaced; nothing where a "%" has not two hexadecimal digits. Pure; any thread.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace protocols::http
