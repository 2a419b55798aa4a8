#include <fmt/format.h>

#include "server/os/port_words.hpp"

namespace server {
namespace {

constexpr std::uint32_t kernel = 4;  // the number of the process "System"

// "SolarWinds TFTP Server" has blanks in its name.
std::string quoted(const std::string& name) {
  return name.find(' ') == name.npos ? name : fmt::format("\"{}\"", name);
}

}  // namespace

const char* const list_addresses = "ipconfig";
const char* const list_interfaces = "netsh interface ipv6 show interfaces";

std::string way_out(const PortHolder& holder) {
  // Without it a host that is far away may be out of reach.
  if (holder.unit == "sshd" || holder.program == "sshd.exe")
    return "give it another port (Port in C:\\ProgramData\\ssh\\sshd_config, then `net stop sshd` and `net "
           "start sshd`), or `net stop sshd` stops it";
  if (!holder.unit.empty())
    return fmt::format(
        "`net stop {0}` stops it, and `sc config {0} start= disabled` keeps it from coming back",
        quoted(holder.unit));
  if (holder.pid == kernel)
    return "`netsh http show servicestate` names who asked Windows for it, IIS for instance, stop that";
  if (holder.program == "svchost.exe")
    return fmt::format("`tasklist /svc /fi \"PID eq {}\"` names its services, `net stop` stops one",
                       holder.pid);
  return fmt::format("close it, or `taskkill /F /PID {}` ends it", holder.pid);
}

std::string port_denied(bool tcp, std::string_view) {
  return fmt::format(
      "access is denied: Windows keeps the port for itself (`netsh int ipv4 show excludedportrange "
      "protocol={0}` lists what it keeps; Hyper-V and WSL take such ranges when the host starts, and `netsh "
      "int ipv4 add excludedportrange protocol={0} startport=PORT numberofports=1` saves one port from "
      "them), "
      "or a program of another user has it (as an administrator, `netstat -abno` names it)",
      tcp ? "tcp" : "udp");
}

std::optional<std::string> port_denied_later(std::string_view) { return {}; }

std::string nothing_to_serve() {
  return "nothing to serve: tftp.listen, ssh.listen and http.listen are all empty; name an address in the "
         "configuration";
}

}  // namespace server
