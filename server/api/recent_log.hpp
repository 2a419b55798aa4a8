#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "conf/log.hpp"

namespace server {

// The log's last lines, in their classic form, for whoever looks later. Bookkeeping alone; on the loop.
class RecentLog {
 public:
  using Clock = std::chrono::system_clock;
  static constexpr std::size_t most_lines = 10'000, most_bytes = 4 << 20;
  // So many are looked at in a turn of the loop, for a text of so many bytes.
  static constexpr std::size_t looked_at_a_turn = 100, longest_text = 64;

  struct Line {
    std::uint64_t id;  // 1, 2, 3 since the start
    Clock::time_point at;
    conf::LogLevel level;
    std::string text, event;  // event: its kind, "tftp.requested"
  };
  // What somebody wants to see: up to a level, and with a text in it, whatever its case.
  struct Filter {
    conf::LogLevel level = conf::LogLevel::debug;
    std::string text;
    bool takes(const Line& line) const;
  };

  void note(conf::LogLevel level, std::string text, std::string_view event, Clock::time_point at);
  const std::deque<Line>& lines() const { return lines_; }  // the oldest first
  std::uint64_t last() const { return last_; }              // the newest one's id

 private:
  std::deque<Line> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
};

std::string json_of(const RecentLog::Line& line);
// Of the word in a query; nothing for any other.
std::optional<conf::LogLevel> log_level_of(std::string_view word);

}  // namespace server
