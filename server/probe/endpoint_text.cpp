#include "server/probe/endpoint_text.hpp"

#include <fmt/format.h>

namespace server::probe {
namespace {

std::string text(const net::ip::address& address, std::uint16_t port) {
  return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), port)
                         : fmt::format("{}:{}", address.to_string(), port);
}

}  // namespace

std::string endpoint_text(const udp::endpoint& endpoint) { return text(endpoint.address(), endpoint.port()); }

std::string endpoint_text(const tcp::endpoint& endpoint) { return text(endpoint.address(), endpoint.port()); }

}  // namespace server::probe
