#include "conf/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conf {
namespace {

std::string_view without_scope(std::string_view address) { return address.substr(0, address.find('%')); }

std::optional<Address> address_in(std::string_view address) {
  return address.find(':') == address.npos ? parse_ipv4(address) : parse_ipv6(without_scope(address));
}

bool is_any(const Address& address) {
  return std::ranges::all_of(address.bytes, [](std::uint8_t byte) { return byte == 0; });
}

std::optional<std::string> clash(const Endpoint& a, const Endpoint& b) {
  const auto first = address_in(a.address), second = address_in(b.address);
  if (!first || !second || a.port == 0 || a.port != b.port || first->is_v4 != second->is_v4) return {};
  const auto scope = [](std::string_view address) { return address.substr(without_scope(address).size()); };
  if (*first == *second && scope(a.address) == scope(b.address))
    return fmt::format("{} is given twice; leave one of the two out", b.text());
  if (is_any(*first))
    return fmt::format("{} is part of {} already; leave one of the two out", b.text(), a.text());
  if (is_any(*second))
    return fmt::format("{} is part of {} already; leave one of the two out", a.text(), b.text());
  return {};
}

}  // namespace

bool is_link_local(const Address& address) {
  return !address.is_v4 && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
}

std::string endpoint_advice(std::string_view text) {
  const auto open = text.find('['), close = text.rfind("]:");
  if (open != 0 || close == text.npos) return {};
  const auto address = text.substr(1, close - 1);
  const auto parsed = parse_ipv6(address);
  if (!parsed) return {};
  const auto plain = address_of(parsed->bytes);
  if (plain && plain->is_v4)
    return fmt::format("; it is an IPv4 address in IPv6's form: write {}{}", plain->text(),
                       text.substr(close + 1));
  if (is_link_local(*parsed))
    return fmt::format("; a link-local address needs its interface: \"[{}%eth0]{}\"", address,
                       text.substr(close + 1));
  return {};
}

std::optional<std::string> clash_of(const std::vector<Endpoint>& endpoints) {
  for (std::size_t i = 0; i < endpoints.size(); ++i)
    for (std::size_t k = i + 1; k < endpoints.size(); ++k)
      if (auto text = clash(endpoints[i], endpoints[k])) return text;
  return {};
}

}  // namespace conf
