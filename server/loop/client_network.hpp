#pragma once
#include <string>

#include "server/loop/net.hpp"

namespace server {

// What counts as one client, over TFTP and SSH. An IPv6 host has 2^64 addresses to its name, so it is the /64
// (RFC 6177); but all neighbours of a link share that of the link-local ones, and an IPv4-mapped address is
// that IPv4 host.
net::ip::address client_network(const net::ip::address& address);

// "192.0.2.1/32", "2001:db8:1:2::/64": for the log.
std::string client_network_text(const net::ip::address& address);

}  // namespace server
