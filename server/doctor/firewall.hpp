#pragma once
#include <optional>
#include <string>
#include <vector>

#include "conf/endpoint.hpp"
#include "server/doctor/packet_filter.hpp"
#include "server/doctor/result.hpp"

namespace conf {
struct Tftp;
}  // namespace conf

namespace server::doctor {

// The firewall's rules, or why they could not be read. Only root may read them.
struct FirewallReading {
  std::optional<PacketFilter> filter;
  std::string failure;
  std::optional<conf::PortRange> local_ports;  // that a transfer gets, where tftp.port_range is null
  bool has_ufw = false, has_firewalld = false;
};
FirewallReading read_firewall();

// The ports of each that are served. Pure.
Result judge_firewall(const FirewallReading& reading, const std::vector<std::uint16_t>& udp,
                      const std::vector<std::uint16_t>& tcp);
// Whether a device's acknowledgements reach the ports of transfers. Pure.
Result judge_reply_ports(const FirewallReading& reading, const conf::Tftp& settings);

}  // namespace server::doctor
