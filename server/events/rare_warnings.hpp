#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace server {

// Warnings about what a client can bring about as often as it likes: of each kind one in ten seconds, with
// the number of those that were not told. Bookkeeping alone: no clock, no log. Lives on the loop.
class RareWarnings {
 public:
  using Clock = std::chrono::steady_clock;

  // `text`, if it is to be told now. A kind is a text of ours; what is in `text` does not tell two apart.
  std::optional<std::string> tell(std::string_view kind, const std::string& text, Clock::time_point now);

  std::size_t remembered() const { return kinds_.size(); }

 private:
  struct Kind {
    Clock::time_point told;
    std::uint64_t untold = 0;
  };
  std::map<std::string, Kind, std::less<>> kinds_;
};

}  // namespace server
