#include "conf/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "conf/address.hpp"

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

bool is_scope(std::string_view text) {
  constexpr std::size_t longest = 15;  // IFNAMSIZ without its NUL
  return !text.empty() && text.size() <= longest && std::ranges::all_of(text, [](unsigned char c) {
    return c > ' ' && c < 0x7f && c != '/' && c != '%';
  });
}

// "::1", and "fe80::1%eth0".
bool is_ipv6(std::string_view text) {
  const auto percent = text.find('%');
  if (percent != text.npos && !is_scope(text.substr(percent + 1))) return false;
  const auto address = parse_ipv6(text.substr(0, percent));
  if (!address || address_of(address->bytes)->is_v4) return false;  // an IPv4 address is written as one
  return percent != text.npos || !is_link_local(*address);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, port);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return port;
}

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  auto address = text.substr(0, colon);
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  const bool bracketed = address.size() > 2 && address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);
  if (!(bracketed ? is_ipv6(address) : parse_ipv4(address).has_value())) return std::nullopt;
  return Endpoint{std::string(address), *port};
}

std::optional<HttpEndpoint> parse_http_endpoint(std::string_view text) {
  constexpr std::string_view http = "http://", https = "https://";
  const bool tls = text.starts_with(https);
  if (tls || text.starts_with(http)) text.remove_prefix(tls ? https.size() : http.size());
  auto at = parse_endpoint(text);
  if (!at) return std::nullopt;
  return HttpEndpoint{std::move(*at), tls};
}

std::string Endpoint::text() const {
  const bool ipv6 = address.find(':') != address.npos;
  return ipv6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

std::string HttpEndpoint::text() const { return fmt::format("{}{}", tls ? "https://" : "", at.text()); }

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
