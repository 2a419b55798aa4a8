#include "server/text/time.hpp"

#include <fmt/format.h>

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

// By the library's calendar: gmtime(3) of Windows ends with the year 3000.
std::string text_of(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace

// Not by strptime(3), which Windows lacks.
std::optional<std::int64_t> seconds_of(std::string_view text) {
  constexpr std::string_view whole = "0000-00-00T00:00:00";
  if (text.size() > whole.size() && text.ends_with('Z')) text.remove_suffix(1);
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
  return text_of(std::chrono::floor<std::chrono::seconds>(time));
}

// The system's clock counts nanoseconds and ends in 2262; RFC 3339 has the years 0 to 9999.
std::string utc_of(std::int64_t milliseconds) {
  using namespace std::chrono;
  constexpr sys_seconds first = sys_days(year(0) / 1 / 1), end = sys_days(year(10'000) / 1 / 1);
  const auto time =
      floor<seconds>(sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(milliseconds)));
  return text_of(std::clamp<sys_seconds>(time, first, end - 1s));
}

std::optional<std::int64_t> time_meant(const std::string& text, std::int64_t now) {
  if (const auto span = span_of(text)) return now - std::chrono::milliseconds(*span).count();
  const auto seconds = seconds_of(text);
  return seconds ? std::optional(1000 * *seconds) : std::nullopt;
}

}  // namespace server
