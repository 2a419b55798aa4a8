#include "conf/address.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace conf {
namespace {

constexpr std::array<std::uint8_t, 12> ipv4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<Address> parse(int family, std::string_view text) {
  Address address{.is_v4 = family == AF_INET};
  // A NUL would end the text for inet_pton only.
  if (text.find('\0') != text.npos) return std::nullopt;
  if (::inet_pton(family, std::string(text).c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

}  // namespace

std::optional<Address> parse_ipv4(std::string_view text) { return parse(AF_INET, text); }

std::optional<Address> parse_ipv6(std::string_view text) { return parse(AF_INET6, text); }

std::optional<Address> address_of(std::span<const std::uint8_t> bytes) {
  Address address{.is_v4 = bytes.size() == 4};
  if (!address.is_v4 && bytes.size() != address.bytes.size()) return std::nullopt;
  if (!address.is_v4 && std::ranges::equal(bytes.first(ipv4_mapped.size()), ipv4_mapped))
    return address_of(bytes.subspan(ipv4_mapped.size()));
  std::ranges::copy(bytes, address.bytes.begin());
  return address;
}

std::string Address::text() const {
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
}

}  // namespace conf
