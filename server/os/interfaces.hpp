#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/loop/net.hpp"

namespace server {

// A network interface of this host that is up and is not the loopback.
struct Interface {
  std::string name;
  std::vector<net::ip::address> addresses;  // link-local ones too
  std::optional<std::uint32_t> mtu;         // bytes of a packet, with its IP header
};

// Those that have an address, by name. Blocks for microseconds, on Windows for milliseconds. Empty when the
// system does not tell.
std::vector<Interface> own_interfaces();

}  // namespace server
