#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

namespace server {

// How many records the history keeps of one source in an hour: an address, of IPv6 its /64. Somebody who asks
// without end would push what is known of all others out of it. Bookkeeping alone; lives on the loop.
class SharesOfHour {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint32_t most = 10'000;
  static constexpr std::size_t most_sources = 10'000;  // those beyond are one together

  // Whether one more of `source` is kept.
  bool take(const std::string& source, Clock::time_point now);
  // After one that is not: whether it is the first in this hour.
  bool may_tell() { return !std::exchange(told_, true); }
  std::size_t remembered() const { return taken_.size(); }

 private:
  Clock::time_point began_{};
  bool told_ = false;
  std::unordered_map<std::string, std::uint32_t> taken_;
};

}  // namespace server
