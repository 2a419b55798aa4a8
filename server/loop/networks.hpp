#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "conf/network.hpp"
#include "server/loop/net.hpp"

namespace server {

// Without a scope; an IPv4-mapped one is that IPv4 address.
inline conf::Address plain(const net::ip::address& address) {
  if (address.is_v4()) return *conf::address_of(address.to_v4().to_bytes());
  return *conf::address_of(address.to_v6().to_bytes());
}

inline bool is_in(const conf::Address& address, const std::vector<conf::Network>& networks) {
  const auto bytes = std::span(address.bytes).first(address.is_v4 ? 4 : 16);
  return std::ranges::any_of(networks, [&](const auto& network) { return network.contains(bytes); });
}

}  // namespace server
