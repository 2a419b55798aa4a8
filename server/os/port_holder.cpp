#include "server/os/port_holder.hpp"

#include <algorithm>

namespace server {

std::string unit_in(std::string_view group) {
  std::string unit;
  while (!group.empty()) {
    const auto part = group.substr(0, group.find('/'));
    group.remove_prefix(std::min(part.size() + 1, group.size()));
    if (part.ends_with(".service") || part.ends_with(".socket") || part == "init.scope") unit = part;
  }
  return unit;
}

bool is_sshd(const PortHolder& holder) {
  return holder.unit == "ssh.service" || holder.unit == "sshd.service" || holder.unit == "sshd" ||
         holder.program == "sshd";
}

const char* const take_from_dnsmasq =
    "take enable-tftp out of dnsmasq's configuration and restart it, it goes on with DHCP and DNS";

bool is_dnsmasq(const PortHolder& holder) {
  return holder.unit == "dnsmasq.service" || holder.program == "dnsmasq";
}

}  // namespace server
