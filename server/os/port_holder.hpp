#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace server {

// The program that has a port, as far as this process may know it.
struct PortHolder {
  std::string program;  // its name; empty where that is hidden, and only `unit` is known
  std::uint32_t pid = 0;
  // Of systemd, "tftpd-hpa.service" or "ssh.socket", or Windows' service, "WDSServer"; empty where it belongs
  // to none, or to one of several.
  std::string unit;
  friend bool operator==(const PortHolder&, const PortHolder&) = default;
};

// Who has bound UDP `port`, or listens on TCP `port`, of any address; nothing where that cannot be found out.
// Linux tells anybody the control group of a socket, and by that its unit and process; root is told the
// process itself. Reads files of every process: for the start, or for a worker. Windows tells anybody.
std::optional<PortHolder> holder_of_udp(std::uint16_t port);
std::optional<PortHolder> holder_of_tcp(std::uint16_t port);

// The unit in a control group's path: "/system.slice/tftpd-hpa.service/sub" is of tftpd-hpa.service. Empty
// where there is none. Pure.
std::string unit_in(std::string_view group);

// OpenSSH's server, without which a host that is far away is out of reach, and dnsmasq, without which devices
// may have no address: neither is to be stopped for its port. Pure.
bool is_sshd(const PortHolder& holder);
bool is_dnsmasq(const PortHolder& holder);
// What gives dnsmasq's port to the server.
extern const char* const take_from_dnsmasq;

}  // namespace server
