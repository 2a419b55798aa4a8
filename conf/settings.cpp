#include "conf/settings.hpp"

#include <tuple>

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace conf {
namespace {

bool is_scope(std::string_view text) {
  constexpr std::size_t longest = 15;  // IFNAMSIZ without its NUL
  return !text.empty() && text.size() <= longest && std::ranges::all_of(text, [](unsigned char c) {
    return c > ' ' && c < 0x7f && c != '/' && c != '%';
  });
}

bool is_address(int family, std::string_view text) {
  std::byte binary[sizeof(in6_addr)];
  return ::inet_pton(family, std::string(text).c_str(), binary) == 1;
}

// "::1", and "fe80::1%eth0", whose scope inet_pton does not know.
bool is_ipv6(std::string_view text) {
  const auto percent = text.find('%');
  if (percent != text.npos && !is_scope(text.substr(percent + 1))) return false;
  return is_address(AF_INET6, text.substr(0, percent));
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
  // A NUL would end the text for inet_pton only.
  if (colon == text.npos || text.find('\0') != text.npos) return std::nullopt;
  auto address = text.substr(0, colon);
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  const bool bracketed = address.size() > 2 && address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);
  if (!(bracketed ? is_ipv6(address) : is_address(AF_INET, address))) return std::nullopt;
  return Endpoint{std::string(address), *port};
}

std::string Endpoint::text() const {
  const bool ipv6 = address.find(':') != address.npos;
  return ipv6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

bool needs_restart(const Settings& old, const Settings& now) {
  const auto taken = [](const Settings& s) {
    return std::tie(s.depot, s.tftp.listen, s.ssh.listen, s.ssh.compatibility, s.import, s.log.format,
                    s.log.target, s.log.file);
  };
  return taken(old) != taken(now);
}

}  // namespace conf
