#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "conf/endpoint.hpp"

namespace server {

// The free ports of tftp.port_range. Which one comes next nobody can guess: whoever forges a client's address
// would know where the client's ACK is expected.
class PortPool {
 public:
  // Of a range, which a reload may have changed; `chance` is any random number. Nothing: all are in use.
  std::optional<std::uint16_t> take(const conf::PortRange& range, std::uint32_t chance);
  std::size_t free(const conf::PortRange& range) const;
  void give_back(std::uint16_t port, const conf::PortRange& range) noexcept;

 private:
  conf::PortRange range_;
  std::vector<std::uint16_t> free_;  // has room for all of the range
};

// A port that goes back into its pool with its holder.
class PortLease {
 public:
  PortLease(std::shared_ptr<PortPool> pool, const conf::PortRange& range, std::uint16_t port)
      : pool_(std::move(pool)), range_(range), port_(port) {}
  PortLease(PortLease&&) noexcept = default;
  PortLease& operator=(PortLease&&) = delete;
  ~PortLease() {
    if (pool_) pool_->give_back(port_, range_);
  }

 private:
  std::shared_ptr<PortPool> pool_;
  conf::PortRange range_;
  std::uint16_t port_;
};

}  // namespace server
