#include "server/text/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

bool take(std::string_view& text, char what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(1);
  return true;
}

// A number of one to `most` digits.
std::optional<int> take_number(std::string_view& text, std::size_t most) {
  unsigned number = 0;  // so that no sign is taken
  const auto front = text.substr(0, most);
  const auto [end, error] = std::from_chars(front.data(), front.data() + front.size(), number);
  if (error != std::errc{}) return {};
  text.remove_prefix(static_cast<std::size_t>(end - front.data()));
  return static_cast<int>(number);
}

}  // namespace

// Takes what strptime(3) takes, which Windows lacks: "2026-1-2" too, and up to 61 seconds within a day.
std::optional<std::int64_t> seconds_of(std::string_view text) {
  constexpr std::string_view before = " --T::";  // what stands before each part
  enum : std::size_t { a_year, a_month, a_day, an_hour, a_minute, a_second, all };
  std::array<int, all> parts{};
  std::size_t part = a_year;
  for (; part < all; ++part) {
    if (text.empty() && (part == an_hour || part == a_second)) break;
    if (part > a_year && !take(text, before[part])) return {};
    const auto number = take_number(text, part == a_year ? 4 : 2);
    if (!number) return {};
    parts[part] = *number;
  }
  if (part == all) take(text, 'Z');
  if (!text.empty() || parts[an_hour] > 23 || parts[a_minute] > 59 || parts[a_second] > 61) return {};
  using namespace std::chrono;
  const year_month_day date{year(parts[a_year]), month(static_cast<unsigned>(parts[a_month])),
                            day(static_cast<unsigned>(parts[a_day]))};
  if (!date.ok()) return {};
  const sys_seconds time =
      sys_days(date) + hours(parts[an_hour]) + minutes(parts[a_minute]) + seconds(parts[a_second]);
  if (floor<days>(time) != sys_days(date)) return {};
  return time.time_since_epoch().count();
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
