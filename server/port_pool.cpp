#include "server/port_pool.hpp"

namespace server {

std::optional<std::uint16_t> PortPool::take(const conf::PortRange& range) {
  if (range != range_) {
    range_ = range;
    free_.clear();
    for (unsigned port = range.first; port <= range.last; ++port)
      free_.push_back(static_cast<std::uint16_t>(port));
  }
  if (free_.empty()) return {};
  const auto port = free_.front();
  free_.pop_front();
  return port;
}

void PortPool::give_back(std::uint16_t port, const conf::PortRange& range) {
  if (range == range_) free_.push_back(port);  // another range's have all been listed anew
}

}  // namespace server
