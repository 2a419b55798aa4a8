#include "server/http/joined_ranges.hpp"

namespace server::http {

bool JoinedRanges::add(const std::string& client, const std::string& version,
                       const protocols::http::Span& part, std::uint64_t size) {
  Key key(client, version);
  auto place = kept_.find(key);
  if (place == kept_.end()) {
    if (kept_.size() >= most) {
      kept_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(key);
    place = kept_.emplace(std::move(key), Kept{{}, std::prev(order_.end())}).first;
  } else {
    order_.splice(order_.end(), order_, place->second.place);
  }
  place->second.covered.add(part);
  if (!place->second.covered.is_whole(size)) return false;
  order_.erase(place->second.place);
  kept_.erase(place);
  return true;
}

}  // namespace server::http
