#include "conf/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "conf/address.hpp"
#include "conf/endpoint.hpp"

namespace conf {
namespace {

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

std::optional<EarlyDrop> parse_early_drop(std::string_view text) {
  EarlyDrop drop;
  const auto* const end = text.data() + text.size();
  const auto* at = text.data();
  for (auto* number : {&drop.start, &drop.rate, &drop.full}) {
    if (number != &drop.start && (at == end || *at++ != ':')) return std::nullopt;
    const auto read = std::from_chars(at, end, *number);
    if (read.ec != std::errc()) return std::nullopt;
    at = read.ptr;
  }
  constexpr std::uint32_t most = 1'000'000;
  const bool good =
      at == end && drop.start >= 1 && drop.start <= drop.full && drop.full <= most && drop.rate <= 100;
  return good ? std::optional(drop) : std::nullopt;
}

std::string EarlyDrop::text() const { return fmt::format("{}:{}:{}", start, rate, full); }

std::string HttpEndpoint::text() const { return fmt::format("{}{}", tls ? "https://" : "", at.text()); }

std::vector<Endpoint> Http::endpoints() const {
  std::vector<Endpoint> all;
  for (const auto& each : listen) all.push_back(each.at);
  return all;
}

std::vector<Endpoint> Http::endpoints(bool tls) const {
  std::vector<Endpoint> found;
  for (const auto& each : listen)
    if (each.tls == tls) found.push_back(each.at);
  return found;
}

std::string Endpoint::text() const {
  const bool ipv6 = address.find(':') != address.npos;
  return ipv6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

}  // namespace conf
