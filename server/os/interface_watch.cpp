#include "server/os/interface_watch.hpp"

namespace server {

InterfaceWatch::InterfaceWatch(const std::vector<conf::Endpoint>& endpoints, const IndexOf& index_of) {
  for (const auto& endpoint : endpoints) {
    const auto percent = endpoint.address.find('%');
    if (percent == std::string::npos) continue;
    auto interface = endpoint.address.substr(percent + 1);
    const auto index = index_of(interface);
    watched_.push_back({endpoint, std::move(interface), index, index});
  }
}

std::vector<InterfaceWatch::Change> InterfaceWatch::look(const IndexOf& index_of) {
  std::vector<Change> changes;
  for (auto& each : watched_) {
    const auto index = index_of(each.interface);
    if (index == each.told) continue;
    each.told = index;
    if (index != each.index) changes.push_back({each.endpoint, each.interface, index != 0});
  }
  return changes;
}

}  // namespace server
