#include <fmt/format.h>

#include "server/os/host_text.hpp"

namespace server::host {

std::filesystem::path usual_config() { return "/etc/apdepot/apdepot.yaml"; }

const char* const start = "systemctl start apdepot";
const char* const restart = "systemctl restart apdepot";
const char* const reload = "systemctl reload apdepot";
const char* const status = "systemctl status apdepot";
const char* const enable = "systemctl enable apdepot";
const char* const install = "apt install ./apdepot_*.deb";
const char* const log = "journalctl -u apdepot";
const char* const log_warnings = "journalctl -u apdepot -p warning";
const char* const log_errors = "journalctl -u apdepot -p err";
const char* const log_of_history = "journalctl -u apdepot CAUSE=history";
const char* const set_clock = "timedatectl set-ntp true";
const char* const upgrade = "apt-get install --only-upgrade {} && systemctl restart apdepot";
const char* const all_listeners = "ss -lntup";
// Not 2222: there apdepot itself may be, where port 22 is taken, and sshd would not come back.
const char* const move_sshd =
    "echo 'Port 2022' > /etc/ssh/sshd_config.d/port.conf && sshd -t && systemctl restart ssh";
const char* const sudo = "sudo ";
const char* const name_a_user = "name one of /etc/passwd";
const char* const administrator = "root";
const char* const as_administrator = "as root";
const char* const who_sees_rights = "root and that user";
const char* const service_manager = "systemd";

std::string listeners(bool tcp, std::uint16_t port) {
  return fmt::format("ss -{}lnp 'sport = :{}'", tcp ? "t" : "u", port);
}

std::string route_to(const std::string& host) { return fmt::format("ip route get {}", host); }

std::string give(const std::string& user, const std::string& folder) {
  return fmt::format("chown -R {}: {}", user, folder);
}

std::string give_file(const std::string& user, const std::string& file) {
  return fmt::format("chown {} {}", user, file);
}

std::string let_read(const std::string& folder) { return fmt::format("chmod -R a+rX {}", folder); }

std::string let_service_write(const std::string& folder) {
  return fmt::format(
      "under systemd the server may write to /var/log/apdepot and the depot alone: log.target: "
      "file:/var/log/apdepot/apdepot.log, or `systemctl edit apdepot` with ReadWritePaths={} below [Service]",
      folder);
}

std::string move(const std::string& from, const std::string& to) { return fmt::format("mv {} {}", from, to); }

std::string stop_for_good(const std::string& service) { return "systemctl disable --now " + service; }

std::string stop_process(std::uint32_t number) { return fmt::format("kill {}", number); }

}  // namespace server::host
