#include <fmt/format.h>

#include "server/os/port_words.hpp"
#include "server/os/service_manager.hpp"

namespace server {

const char* const list_addresses = "ip address";
const char* const list_interfaces = "ip link";

// Without sshd a host that is far away is out of reach, and without dnsmasq devices may have no address.
std::string way_out(const PortHolder& holder) {
  if (holder.unit == "ssh.socket" || holder.unit == "sshd.socket")
    return fmt::format("give sshd another port (ListenStream= in `systemctl edit {}`)", holder.unit);
  if (is_sshd(holder)) return "give sshd another port (Port in /etc/ssh/sshd_config)";
  if (is_dnsmasq(holder)) return take_from_dnsmasq;
  if (holder.unit == "init.scope")
    return "`systemctl list-sockets` names its unit, give that another port or stop it";
  if (!holder.unit.empty()) return fmt::format("`systemctl disable --now {}` stops it", holder.unit);
  return "stop it";
}

// A capability of the file does not help the packaged service, or keeps it from starting: its bounding set is
// empty.
std::string port_denied(bool, std::string_view unit) {
  if (has_service_manager())
    return fmt::format(
        "permission denied, ports below 1024 need a right that the service does not have: let systemd open "
        "the address (`systemctl enable {0} && systemctl restart apdepot`, and `systemctl edit {0}` for "
        "another), or give the service the right by own-ports.conf (/usr/share/doc/apdepot/examples/, or "
        "beside the units that were installed by hand)",
        unit);
  return fmt::format(
      "permission denied, ports below 1024 need a privilege: run it as root, or let systemd open the "
      "address (`systemctl enable {0} && systemctl restart apdepot`, and `systemctl edit {0}` for another), "
      "or give the program the right with `setcap cap_net_bind_service=+ep $(command -v apdepot)`",
      unit);
}

// Root's rights, and the capability. The packaged service has had neither: a restart would only end it.
std::optional<std::string> port_denied_later(std::string_view unit) {
  if (has_service_manager())
    return fmt::format(
        "a port below 1024 takes a right that the service does not have now: let systemd open the address "
        "(`systemctl enable {0}`, with `systemctl edit {0}` for another than its own, then `systemctl stop "
        "{0} && systemctl restart apdepot`), or restart it with own-ports.conf in place",
        unit);
  return "a port below 1024 takes a right that the server gave up after its start: restart it "
         "(`systemctl restart apdepot`; a unit of your own needs "
         "AmbientCapabilities=CAP_NET_BIND_SERVICE)";
}

std::string nothing_to_serve() {
  return "nothing to serve: tftp.listen, ssh.listen and http.listen are all empty, and no socket unit has "
         "opened an address; name one in the configuration, or `systemctl start apdepot-tftp.socket "
         "apdepot-ssh.socket`";
}

}  // namespace server
