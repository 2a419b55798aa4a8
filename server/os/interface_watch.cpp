#include "server/os/interface_watch.hpp"

#include <fmt/format.h>

namespace server {

InterfaceWatch::InterfaceWatch(const std::vector<conf::Endpoint>& endpoints, const IndexOf& index_of) {
  for (const auto& endpoint : endpoints) {
    const auto percent = endpoint.address.find('%');
    if (percent == std::string::npos) continue;
    auto interface = endpoint.address.substr(percent + 1);
    const auto index = index_of(interface);
    if (index != 0) watched_.push_back({endpoint.text(), std::move(interface), index, index});
  }
}

std::vector<std::string> InterfaceWatch::look(const IndexOf& index_of) {
  std::vector<std::string> changes;
  for (auto& each : watched_) {
    const auto index = index_of(each.interface);
    if (index == each.told) continue;
    each.told = index;
    if (index != each.index)
      changes.push_back(fmt::format(
          "nothing is heard on {} any more: the interface {} was {}; restart the server{}", each.endpoint,
          each.interface, index == 0 ? "removed" : "made again", index == 0 ? " once it is back" : ""));
  }
  return changes;
}

}  // namespace server
