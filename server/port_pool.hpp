#pragma once
#include <deque>
#include <optional>

#include "conf/settings.hpp"

namespace server {

// The free ports of tftp.port_range: the one that was free for longest comes first, so that late packets of
// an ended transfer rarely meet a new one.
class PortPool {
 public:
  // Of a range, which a reload may have changed. Nothing: all are in use.
  std::optional<std::uint16_t> take(const conf::PortRange& range);
  void give_back(std::uint16_t port, const conf::PortRange& range);

 private:
  conf::PortRange range_;
  std::deque<std::uint16_t> free_;
};

}  // namespace server
