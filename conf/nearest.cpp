#include "conf/nearest.hpp"

#include <algorithm>
#include <numeric>

namespace conf {
namespace {

// Levenshtein's distance, one row at a time.
std::size_t distance(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= one.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t replaced = diagonal + (one[i - 1] != other[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string>& names) {
  std::string best;
  std::size_t least = 2 + name.size() / 4;  // a longer name leaves room for more mistakes
  for (const auto& candidate : names) {
    // More than the bound apart in length is more than the bound apart; a hostile key costs nothing then.
    if (candidate.size() + least < name.size() || name.size() > 100) continue;
    const auto apart = distance(name, candidate);
    if (apart >= least) continue;
    least = apart;
    best = candidate;
  }
  return best;
}

}  // namespace conf
