#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace conf {

// An IPv4 or IPv6 address.
struct Address {
  std::array<std::uint8_t, 16> bytes{};  // in network order; an IPv4 address fills the first 4
  bool is_v4 = false;
  unsigned bits() const { return is_v4 ? 32 : 128; }
  std::string text() const;
  friend bool operator==(const Address&, const Address&) = default;
};

// A literal without brackets and without a scope. Nothing for anything else; names are not resolved.
std::optional<Address> parse_ipv4(std::string_view text);
std::optional<Address> parse_ipv6(std::string_view text);
// 4 or 16 bytes in network order; nothing for another number of them. An IPv4-mapped IPv6 address
// (::ffff:a.b.c.d), as an IPv4 client has on an IPv6 socket, is that IPv4 address.
std::optional<Address> address_of(std::span<const std::uint8_t> bytes);

}  // namespace conf
