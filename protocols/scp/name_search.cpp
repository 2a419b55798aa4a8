#include "protocols/scp/name_search.hpp"

#include <algorithm>

namespace scp {

void NameSearch::take(std::string_view name) {
  if (too_many() || !pattern_.matches(name)) return;
  places_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size())});
  text_ += name;
}

void NameSearch::end() {
  std::ranges::sort(places_, {}, [this](Place place) { return at(place); });
}

}  // namespace scp
