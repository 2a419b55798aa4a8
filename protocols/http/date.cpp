#include "protocols/http/date.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace protocols::http {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t longest = 40, most_words = 6;

// "Sun", "06", "Nov", "1994", "08:49:37", "GMT": what stands between some letters.
struct Words {
  std::array<std::string_view, most_words> words;
  std::size_t count = 0;
};

std::optional<Words> words_of(std::string_view text, std::string_view between) {
  Words found;
  if (text.size() > longest) return {};
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find_first_of(between, at), text.size());
    if (end > at) {
      if (found.count == most_words) return {};
      found.words[found.count++] = text.substr(at, end - at);
    }
    at = end + 1;
  }
  return found;
}

std::optional<int> number_of(std::string_view text) {
  int number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || stopped != end || number < 0) return {};
  return number;
}

std::optional<seconds> time_of_day(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return {};
  const auto h = number_of(text.substr(0, 2)), m = number_of(text.substr(3, 2)),
             s = number_of(text.substr(6, 2));
  if (!h || !m || !s || *h > 23 || *m > 59 || *s > 60) return {};
  return hours(*h) + minutes(*m) + seconds(*s);
}

std::optional<std::int64_t> time_of(std::string_view day, std::string_view month, std::string_view year,
                                    std::string_view time) {
  const auto* const found = std::ranges::find(months, month);
  const auto d = number_of(day), y = number_of(year);
  const auto clock = time_of_day(time);
  if (found == months.end() || !d || !y || !clock) return {};
  const bool short_year = year.size() == 2;
  const int full = short_year ? *y + (*y < 70 ? 2000 : 1900) : *y;
  const year_month_day date(std::chrono::year(full),
                            std::chrono::month(static_cast<unsigned>(found - months.begin()) + 1),
                            std::chrono::day(static_cast<unsigned>(*d)));
  if (!date.ok() || full > 9999) return {};
  return (sys_days(date).time_since_epoch() + *clock).count();
}

}  // namespace

std::string date_text(std::int64_t when) {
  const sys_seconds time{seconds(when)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", weekdays[weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  const auto found = words_of(text, " ,");
  if (!found) return {};
  const auto& w = found->words;
  if (found->count == 6 && w[5] == "GMT") return time_of(w[1], w[2], w[3], w[4]);
  if (found->count == 5) return time_of(w[2], w[1], w[4], w[3]);  // asctime's
  if (found->count != 4 || w[3] != "GMT") return {};
  const auto date = words_of(w[1], "-");  // RFC 850's
  if (!date || date->count != 3) return {};
  return time_of(date->words[0], date->words[1], date->words[2], w[2]);
}

}  // namespace protocols::http
