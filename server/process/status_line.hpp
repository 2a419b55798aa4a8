#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace server {

// What `systemctl status` shows of the server, and when it is worth a message. Bookkeeping only.
class StatusLine {
 public:
  using Clock = std::chrono::steady_clock;
  struct Numbers {
    std::size_t transfers = 0, sessions = 0;
    std::optional<std::size_t> releases;  // nothing: not counted yet
  };

  static constexpr auto pause = std::chrono::seconds(3);  // between two messages, at least

  // "3 transfers, 2 sessions, 2 releases"; nothing where that was told last, or the pause is not over.
  std::optional<std::string> next(const Numbers& numbers, Clock::time_point now);

 private:
  std::string told_;
  std::optional<Clock::time_point> when_;
};

}  // namespace server
