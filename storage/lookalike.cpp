#include "storage/lookalike.hpp"

#include <algorithm>

#include "storage/member_name.hpp"

namespace storage {
namespace {

char skeleton(char lower) { return lower == 'l' || lower == 'i' ? '1' : lower == 'o' ? '0' : lower; }

}  // namespace

bool look_alike(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto lower_a = folded(a), lower_b = folded(b);
  return lower_a != lower_b && std::ranges::equal(lower_a, lower_b, {}, skeleton, skeleton);
}

}  // namespace storage
