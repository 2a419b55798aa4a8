#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "server/events/warning.hpp"

namespace server {

// Warnings about what a client can bring about as often as it likes: of each kind one in ten seconds, with
// the number of those that were not told. Bookkeeping alone: no clock, no log. Lives on the loop.
class RareWarnings {
 public:
  using Clock = std::chrono::steady_clock;

  // `text`, if it is to be told now.
  std::optional<std::string> tell(Warning kind, const std::string& text, Clock::time_point now);

 private:
  struct Kind {
    std::optional<Clock::time_point> told;
    std::uint64_t untold = 0;
  };
  std::array<Kind, warning_kinds> kinds_;
};

}  // namespace server
