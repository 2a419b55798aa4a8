#include "server/os/port_holder.hpp"

#include <algorithm>

namespace server {

std::string unit_in(std::string_view group) {
  std::string unit;
  while (!group.empty()) {
    const auto part = group.substr(0, group.find('/'));
    group.remove_prefix(std::min(part.size() + 1, group.size()));
    if (part.ends_with(".service") || part == "init.scope") unit = part;
  }
  return unit;
}

}  // namespace server
