#include "server/api/recent_log.hpp"

#include <algorithm>

#include "conf/names.hpp"
#include "server/text/json.hpp"
#include "server/text/time.hpp"

namespace server {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::size_t size_of(const RecentLog::Line& line) { return line.text.size() + line.event.size(); }

}  // namespace

bool RecentLog::Filter::takes(const Line& line) const {
  if (line.level > level) return false;
  if (text.empty()) return true;
  return !std::ranges::search(line.text, text, {}, lower, lower).empty();
}

void RecentLog::note(conf::LogLevel level, std::string text, std::string_view event, Clock::time_point at) {
  lines_.push_back({++last_, at, level, std::move(text), std::string(event)});
  bytes_ += size_of(lines_.back());
  while (lines_.size() > most_lines || bytes_ > most_bytes) {
    bytes_ -= size_of(lines_.front());
    lines_.pop_front();
  }
}

std::string json_of(const RecentLog::Line& line) {
  JsonObject object;
  object.add("id", line.id);
  object.add_safe("at", utc(line.at));
  object.add_safe("level", conf::name_of(line.level, conf::log_levels));
  object.add_safe("text", line.text);
  object.add_safe("event", line.event);
  return object.text();
}

std::optional<conf::LogLevel> log_level_of(std::string_view word) {
  for (const auto& [name, level] : conf::log_levels)
    if (name == word) return level;
  return {};
}

}  // namespace server
