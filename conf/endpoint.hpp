#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conf {

struct Address;

// An address to listen on.
struct Endpoint {
  std::string address;  // an IPv4 or IPv6 literal, without brackets; "0.0.0.0" and "::" for all
  std::uint16_t port = 0;
  std::string text() const;  // "[::]:69"
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
// "0.0.0.0:69", "[::]:69". Nothing for anything else; names are not resolved.
std::optional<Endpoint> parse_endpoint(std::string_view text);

// An address to serve images on over HTTP, or over HTTPS.
struct HttpEndpoint {
  Endpoint at;
  bool tls = false;
  std::string text() const;  // "0.0.0.0:80", "https://0.0.0.0:443"
  friend bool operator==(const HttpEndpoint&, const HttpEndpoint&) = default;
};
// As parse_endpoint(), with "http://" or "https://" before it or nothing.
std::optional<HttpEndpoint> parse_http_endpoint(std::string_view text);

// UDP ports, both ends included.
struct PortRange {
  std::uint16_t first = 0, last = 0;
  friend bool operator==(const PortRange&, const PortRange&) = default;
};

// fe80::/10, which means nothing without an interface.
bool is_link_local(const Address& address);

// What else there is to say about a text that parse_endpoint() does not take: "; ..." or nothing. Pure.
std::string endpoint_advice(std::string_view text);

// Of addresses to listen on for one protocol: which two cannot both be bound, since they are the same or one
// is part of the other, in a sentence. Nothing when all can. Pure.
std::optional<std::string> clash_of(const std::vector<Endpoint>& endpoints);

}  // namespace conf
