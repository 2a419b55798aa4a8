#include "server/text/time.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string_view>

namespace server {
namespace {

std::optional<std::chrono::minutes> span_of(std::string_view text) {
  constexpr std::int64_t most = 10'000;
  if (text.empty()) return {};
  const char unit = text.back();
  text.remove_suffix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0 || number > most) return {};
  switch (unit) {
    case 'm':
      return std::chrono::minutes(number);
    case 'h':
      return std::chrono::hours(number);
    case 'd':
      return std::chrono::days(number);
    case 'w':
      return std::chrono::weeks(number);
    default:
      return {};
  }
}

std::string text_of(std::time_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

}  // namespace

std::string utc(std::chrono::system_clock::time_point time) {
  return text_of(std::chrono::system_clock::to_time_t(time));
}

// The system's clock counts nanoseconds and ends in 2262; RFC 3339 has the years 0 to 9999.
std::string utc_of(std::int64_t milliseconds) {
  using namespace std::chrono;
  constexpr sys_seconds first = sys_days(year(0) / 1 / 1), end = sys_days(year(10'000) / 1 / 1);
  const auto time =
      floor<seconds>(sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(milliseconds)));
  return text_of(std::clamp(time, first, end - 1s).time_since_epoch().count());
}

std::optional<std::int64_t> time_meant(const std::string& text, std::int64_t now) {
  if (const auto span = span_of(text)) return now - std::chrono::milliseconds(*span).count();
  // strptime() leaves out blanks, and does not see what follows a NUL.
  if (text.find_first_not_of("0123456789-:TZ") != text.npos) return {};
  for (const auto* const form : {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"}) {
    std::tm parts{};
    const char* const end = ::strptime(text.c_str(), form, &parts);
    if (!end || *end != '\0') continue;
    const int day = parts.tm_mday;
    const auto seconds = ::timegm(&parts);
    if (parts.tm_mday == day) return std::int64_t{1000} * seconds;  // else that month has no such day
  }
  return {};
}

}  // namespace server
