#include "server/tftp/port_pool.hpp"

namespace server {

std::optional<std::uint16_t> PortPool::take(const conf::PortRange& range, std::uint32_t chance) {
  if (range != range_) {
    free_.clear();
    for (unsigned port = range.first; port <= range.last; ++port)
      free_.push_back(static_cast<std::uint16_t>(port));
    range_ = range;
  }
  if (free_.empty()) return {};
  std::swap(free_[chance % free_.size()], free_.back());
  const auto port = free_.back();
  free_.pop_back();
  return port;
}

std::size_t PortPool::free(const conf::PortRange& range) const {
  return range == range_ ? free_.size() : range.last - range.first + 1U;
}

void PortPool::give_back(std::uint16_t port, const conf::PortRange& range) noexcept {
  if (range == range_) free_.push_back(port);  // another range's have all been listed again
}

}  // namespace server
