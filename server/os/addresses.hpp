#pragma once
#include <optional>
#include <string>
#include <vector>

#include "conf/endpoint.hpp"
#include "server/loop/net.hpp"

namespace server {

// 169.254.0.0/16 and fe80::/10: what a host gives itself, and no router forwards.
bool is_link_local(const net::ip::address& address);

// This host's addresses, without loopback and link-local ones: what to type on a controller. Blocks for
// microseconds, on Windows for milliseconds. Empty when the system does not tell.
std::vector<net::ip::address> own_addresses();

// An address of the configuration, with its interface: fe80::1%eth0.
net::ip::address address_of(const conf::Endpoint& endpoint, error_code& error);

// 0 where this host has no such interface.
unsigned index_of_interface(const std::string& name);
// Of the addresses those whose interface this host has not: a sentence, or nothing.
std::optional<std::string> unknown_interface(const std::vector<conf::Endpoint>& endpoints);

}  // namespace server
