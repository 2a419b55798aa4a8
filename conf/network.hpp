#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "conf/address.hpp"

namespace conf {

// The addresses that have their first bits in common.
struct Network {
  Address first;        // whose bits beyond the prefix are 0
  unsigned prefix = 0;  // bits
  // 4 or 16 bytes in network order. IPv4 addresses, IPv4-mapped ones too, are in IPv4 networks only: not in
  // "::/0".
  bool contains(std::span<const std::uint8_t> address) const;
  std::string text() const;  // "192.0.2.0/24", and "192.0.2.7" for one address
  friend bool operator==(const Network&, const Network&) = default;
};
// "192.0.2.0/24", "2001:db8::/32", "192.0.2.7". Nothing for anything else, bits beyond the prefix included.
std::optional<Network> parse_network(std::string_view text);
// The network that "10.1.2.3/8" lies in. Nothing for what is no address with a prefix at all.
std::optional<Network> network_around(std::string_view text);

}  // namespace conf
