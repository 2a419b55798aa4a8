#include "server/text/time.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <charconv>
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

}  // namespace

// Not by strptime(3), which Windows lacks.
std::optional<std::int64_t> seconds_of(std::string_view text) {
  constexpr std::string_view whole = "0000-00-00T00:00:00";
  if (text.ends_with('Z')) text.remove_suffix(1);
  if (text.size() != 10 && text.size() != 16 && text.size() != whole.size()) return {};
  std::string digits(whole);
  std::ranges::copy(text, digits.begin());
  const auto number = [&](std::size_t at, std::size_t size) {
    int value = 0;
    std::from_chars(digits.data() + at, digits.data() + at + size, value);
    return value;
  };
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (whole[i] == '0' ? digits[i] < '0' || digits[i] > '9' : digits[i] != whole[i]) return {};
  using namespace std::chrono;
  const year_month_day day{year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                           std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!day.ok() || hour > 23 || minute > 59 || second > 60) return {};
  return sys_seconds(sys_days(day)).time_since_epoch().count() + hour * 3600 + minute * 60 + second;
}

std::string utc(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string utc_of(std::int64_t milliseconds) {
  return utc(std::chrono::system_clock::time_point(std::chrono::milliseconds(milliseconds)));
}

std::optional<std::int64_t> time_meant(const std::string& text, std::int64_t now) {
  if (const auto span = span_of(text)) return now - std::chrono::milliseconds(*span).count();
  const auto seconds = seconds_of(text);
  return seconds ? std::optional(1000 * *seconds) : std::nullopt;
}

}  // namespace server
