#include "server/loop/meter.hpp"

#include <algorithm>
#include <numeric>

namespace server {

std::uint64_t LoopTurns::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

void LoopTurns::add(std::chrono::nanoseconds time) {
  const auto place = std::ranges::find_if(bounds, [time](auto bound) { return time <= bound; });
  ++counts[static_cast<std::size_t>(place - bounds.begin())];
  longest = std::max(longest, time);
}

void LoopMeter::begin(Clock::time_point now, std::chrono::nanoseconds used) {
  read_at_ = now;
  used_ = used;
}

// All but the last turn ended within `closely` of the last reading, so none of them was longer.
void LoopMeter::note(Clock::time_point now, std::chrono::nanoseconds used) {
  measured_.counts.front() += turns_ - 1;
  measured_.add(used - used_);
  begin(now, used);
  turns_ = 0;
}

}  // namespace server
