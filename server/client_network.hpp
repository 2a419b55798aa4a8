#pragma once
#include <algorithm>
#include <cstdint>

#include "server/net.hpp"

namespace server {

// What counts as one client. An IPv6 host has 2^64 addresses to its name, so there it is the network (RFC
// 6177); but all neighbours of a link share that of the link-local ones.
inline net::ip::address client_network(const net::ip::address& address) {
  if (address.is_v4() || address.to_v6().is_v4_mapped() || address.to_v6().is_link_local()) return address;
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return net::ip::address_v6(bytes, address.to_v6().scope_id());
}

}  // namespace server
