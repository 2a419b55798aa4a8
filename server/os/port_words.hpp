#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "server/os/port_holder.hpp"

namespace server {

// What the messages about an address that cannot be used say on this system. Texts alone; any thread.

// Commands that list this host's addresses and its interfaces: "ip address".
extern const char *const list_addresses, *const list_interfaces;

// How the port becomes free: "`systemctl disable --now tftpd-hpa.service` stops it".
std::string way_out(const PortHolder& holder);
// Why the system refuses a port that nobody has, and what to do; `unit` could open it for us.
std::string port_denied(bool tcp, std::string_view unit);
// The same of a server that has given up its rights after its start; nothing where it keeps them.
std::optional<std::string> port_denied_later(std::string_view unit);
// No address is configured, and none was handed over.
std::string nothing_to_serve();

}  // namespace server
