#include "protocols/http/covered.hpp"

#include <algorithm>
#include <iterator>

namespace protocols::http {

void Covered::add(const Span& part) {
  auto first = part.first, end = part.end();
  if (part.size == 0) return;
  auto next = parts_.upper_bound(first);
  if (next != parts_.begin() && std::prev(next)->second >= first) --next;
  while (next != parts_.end() && next->first <= end) {
    first = std::min(first, next->first);
    end = std::max(end, next->second);
    next = parts_.erase(next);
  }
  if (parts_.size() < most_parts) parts_.emplace(first, end);
}

bool Covered::is_whole(std::uint64_t size) const {
  return parts_.size() == 1 && parts_.begin()->first == 0 && parts_.begin()->second >= size;
}

}  // namespace protocols::http
