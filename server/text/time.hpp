#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace server {

// RFC 3339 in UTC, whole seconds: "2026-11-28T02:14:07Z". Pure.
std::string utc(std::chrono::system_clock::time_point time);
std::string utc_of(std::int64_t milliseconds);  // since 1970

// Of "2026-11-28", "2026-11-28T02:14", "2026-11-28T02:14:07" or "2026-11-28T02:14:07Z", all in UTC, the
// seconds since 1970. Numbers may lack their zeros in front. Nothing for anything else. Pure.
std::optional<std::int64_t> seconds_of(std::string_view text);

// The time that a person means, in milliseconds since 1970: a span before `now` such as 30m, 2h, 7d or 2w, or
// a time in UTC such as 2026-11-28 or 2026-11-28T02:14. Nothing for anything else.
std::optional<std::int64_t> time_meant(const std::string& text, std::int64_t now);

}  // namespace server
