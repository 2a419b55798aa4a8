#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "conf/network.hpp"
#include "server/net.hpp"

namespace server {

// Without a scope; an IPv4-mapped one is that IPv4 address.
inline conf::Address plain(const net::ip::address& address) {
  if (address.is_v4()) return *conf::address_of(address.to_v4().to_bytes());
  return *conf::address_of(address.to_v6().to_bytes());
}

// Whose an address is, to count by: an IPv6 host has 2^64 addresses to its name, so its network counts
// (RFC 6177), but all neighbours of a link share that of the link-local ones.
inline net::ip::address source_of(const net::ip::address& address) {
  if (address.is_v4() || address.to_v6().is_v4_mapped() || address.to_v6().is_link_local()) return address;
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return net::ip::address_v6(bytes, address.to_v6().scope_id());
}

inline bool is_in(const conf::Address& address, const std::vector<conf::Network>& networks) {
  const auto bytes = std::span(address.bytes).first(address.is_v4 ? 4 : 16);
  return std::ranges::any_of(networks, [&](const auto& network) { return network.contains(bytes); });
}

}  // namespace server
