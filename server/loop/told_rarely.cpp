#include "server/loop/told_rarely.hpp"

#include <utility>

namespace server {

std::optional<std::uint64_t> ToldRarely::tell(const std::string& text, Clock::time_point now) {
  const auto known = places_.find(text);
  if (known == places_.end()) {
    if (told_.size() >= most_) {
      places_.erase(told_.back().text);
      told_.pop_back();
    }
    told_.push_front({text, now});
    places_[text] = told_.begin();
    return 0;
  }
  auto& told = *known->second;
  if (now - told.at < pause_) {
    ++told.untold;
    return {};
  }
  told_.splice(told_.begin(), told_, known->second);
  told.at = now;
  return std::exchange(told.untold, 0);
}

}  // namespace server
