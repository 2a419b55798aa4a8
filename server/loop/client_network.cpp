#include "server/loop/client_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace server {
namespace {

net::ip::address unmapped(const net::ip::address& address) {
  if (address.is_v4() || !address.to_v6().is_v4_mapped()) return address;
  return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
}

// How many bits of it count.
int prefix(const net::ip::address& address) {
  if (address.is_v4()) return 32;
  return address.to_v6().is_link_local() ? 128 : 64;
}

}  // namespace

net::ip::address client_network(const net::ip::address& given) {
  const auto address = unmapped(given);
  if (prefix(address) != 64) return address;
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return net::ip::address_v6(bytes, address.to_v6().scope_id());
}

std::string client_network_text(const net::ip::address& address) {
  const auto network = client_network(address);
  return fmt::format("{}/{}", network.to_string(), prefix(network));
}

}  // namespace server
