#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace server::http {

// With each %XX replaced; nothing where a "%" has not two hexadecimal digits. Pure.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace server::http
