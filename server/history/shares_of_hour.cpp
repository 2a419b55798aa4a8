#include "server/history/shares_of_hour.hpp"

namespace server {

bool SharesOfHour::take(const std::string& source, Clock::time_point now) {
  if (now - began_ >= std::chrono::hours(1)) {
    began_ = now;
    told_ = false;
    taken_.clear();
  }
  auto place = taken_.find(source);
  if (place == taken_.end()) place = taken_.try_emplace(taken_.size() < most_sources ? source : "").first;
  if (place->second == most) return false;
  ++place->second;
  return true;
}

}  // namespace server
