#include "server/os/addresses.hpp"

#include <fmt/format.h>

#include <charconv>

#include "server/os/port_words.hpp"

namespace server {
namespace {

// Its interface, after the '%' of a link-local address. Empty where there is none.
std::string_view interface_in(std::string_view address) {
  const auto percent = address.find('%');
  return percent == address.npos ? std::string_view() : address.substr(percent + 1);
}

bool is_number(std::string_view text) { return text.find_first_not_of("0123456789") == text.npos; }

}  // namespace

bool is_link_local(const net::ip::address& address) {
  if (address.is_v6()) return address.to_v6().is_link_local();
  const auto bytes = address.to_v4().to_bytes();
  return bytes[0] == 169 && bytes[1] == 254;
}

// Asio knows interfaces by name on Linux alone.
net::ip::address address_of(const conf::Endpoint& endpoint, error_code& error) {
  const auto interface = interface_in(endpoint.address);
  const auto address = net::ip::make_address(endpoint.address.substr(0, endpoint.address.find('%')), error);
  if (error || interface.empty() || !address.is_v6()) return address;
  unsigned index = 0;
  if (is_number(interface))
    std::from_chars(interface.data(), interface.data() + interface.size(), index);
  else
    index = index_of_interface(std::string(interface));
  return net::ip::address_v6(address.to_v6().to_bytes(), index);
}

std::optional<std::string> unknown_interface(const std::vector<conf::Endpoint>& endpoints) {
  for (const auto& endpoint : endpoints) {
    const std::string name(interface_in(endpoint.address));
    if (is_number(name) || index_of_interface(name) != 0) continue;
    return fmt::format("{}: this host has no interface {}: `{}` lists them", endpoint.text(), name,
                       list_interfaces);
  }
  return {};
}

}  // namespace server
