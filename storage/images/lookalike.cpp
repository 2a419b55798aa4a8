#include "storage/images/lookalike.hpp"

#include <algorithm>

#include "storage/archives/member_name.hpp"

namespace storage {
namespace {

char plain(char lower) { return lower == 'l' || lower == 'i' ? '1' : lower == 'o' ? '0' : lower; }

}  // namespace

std::string skeleton(std::string_view name) {
  auto text = folded(name);
  std::ranges::transform(text, text.begin(), plain);
  return text;
}

bool look_alike(std::string_view a, std::string_view b) {
  return a.size() == b.size() && folded(a) != folded(b) && skeleton(a) == skeleton(b);
}

}  // namespace storage
