#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace protocols::http {

// Times as HTTP writes them, in whole seconds since 1970, UTC. Pure; any thread.

// "Sat, 28 Nov 2026 02:14:07 GMT".
std::string date_text(std::int64_t seconds);

// Of the three forms that a server has to understand (RFC 9110, 5.6.7); nothing for any other text.
std::optional<std::int64_t> parse_date(std::string_view text);

}  // namespace protocols::http
