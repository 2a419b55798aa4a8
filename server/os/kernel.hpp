#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "conf/endpoint.hpp"

namespace server {

// What the kernel says of this host and its processes. Everybody may ask; nothing where it does not say.

// A number of sysctl(8), with slashes: "net/ipv4/ip_unprivileged_port_start".
std::optional<std::uint64_t> kernel_setting(const std::string& name);
// The ports that a socket gets which names none.
std::optional<conf::PortRange> local_ports();
// UDP datagrams over IPv4 since the host started, and how many of them were dropped because the buffer of
// their socket was full.
struct UdpCount {
  std::uint64_t received = 0, no_room = 0;
};
std::optional<UdpCount> udp_count();
// Sockets and files that the process `pid` may have open.
std::optional<std::uint64_t> descriptors_of(std::uint32_t pid);
// Whether something keeps the clock right: NTP, or the like.
std::optional<bool> is_clock_kept();
// Whether rules of the old kind are loaded, which iptables-legacy shows and nft does not.
bool has_legacy_rules();
// Whether systemd runs this host.
bool has_systemd();

}  // namespace server
