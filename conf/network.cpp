#include "conf/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace conf {
namespace {

constexpr unsigned mapped_bits = 96;  // of an IPv4-mapped address, before the IPv4 address

// Nothing for more than `longest`.
std::optional<unsigned> parse_prefix(std::string_view text, unsigned longest) {
  unsigned prefix = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, prefix);
  if (read.ec != std::errc() || read.ptr != end || prefix > longest) return std::nullopt;
  return prefix;
}

// "10.1.2.3/8", whatever its bits.
std::optional<Network> parse_any(std::string_view text) {
  const auto slash = text.find('/');
  const auto literal = text.substr(0, slash);
  const auto address = literal.find(':') == literal.npos ? parse_ipv4(literal) : parse_ipv6(literal);
  if (!address) return std::nullopt;
  auto prefix = std::optional(address->bits());
  if (slash != text.npos) prefix = parse_prefix(text.substr(slash + 1), address->bits());
  if (!prefix) return std::nullopt;
  if (address->is_v4 || *prefix < mapped_bits) return Network{*address, *prefix};
  const auto counted_as = address_of(address->bytes);  // an IPv4 address if it is mapped
  return Network{*counted_as, *prefix - (address->bits() - counted_as->bits())};
}

Address cut(Address address, unsigned prefix) {
  for (auto& byte : address.bytes) {
    const auto kept = std::min(prefix, 8u);
    byte = static_cast<std::uint8_t>(byte & 0xff00 >> kept);
    prefix -= kept;
  }
  return address;
}

}  // namespace

std::optional<Network> parse_network(std::string_view text) {
  const auto network = parse_any(text);
  return network && network->first == cut(network->first, network->prefix) ? network : std::nullopt;
}

std::optional<Network> network_around(std::string_view text) {
  const auto network = parse_any(text);
  return network ? std::optional(Network{cut(network->first, network->prefix), network->prefix})
                 : std::nullopt;
}

bool Network::contains(std::span<const std::uint8_t> address) const {
  const auto asked = address_of(address);
  return asked && asked->is_v4 == first.is_v4 && cut(*asked, prefix) == first;
}

std::string Network::text() const {
  return prefix == first.bits() ? first.text() : fmt::format("{}/{}", first.text(), prefix);
}

}  // namespace conf
