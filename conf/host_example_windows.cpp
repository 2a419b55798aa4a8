#include "conf/host_example.hpp"

#include <windows.h>

#include <array>
#include <filesystem>

#include "storage/files/path_text.hpp"

namespace conf {
namespace {

struct Exchange {
  std::string_view linux_text, windows_text;
};

constexpr std::array exchanges{
    Exchange{
        "Only the server's user may read them:\n  # what root adds to a folder of root's belongs to that "
        "user.",
        "Only the service and the\n  # administrators may read them."},
    Exchange{" Another folder outside of /etc takes a restart.", ""},
    Exchange{"SIGHUP (`systemctl reload apdepot`) reads it again.",
             "`apdepot service reload` reads it again."},
    Exchange{
        "# The user of this host that a server started as root becomes once its ports are bound. null: the "
        "owner of the\n# depot, or else apdepot where that user exists. (restart)\n",
        "# Of use on Linux only: here the Service Control Manager starts the service as its own account. "
        "(restart)\n"},
    Exchange{"a new port below 1024, or an address that\n  # overlaps with an old one, takes a restart. What "
             "systemd opens (apdepot-tftp.socket, apdepot-ssh.socket) is served\n  # in any case.",
             "an address that overlaps\n  # with an old one takes a restart."},
    Exchange{
        "auto: the journal under systemd, else stderr. journal: with fields, as in `journalctl -t in.tftpd "
        "CLIENT=192.0.2.7`.\n  # syslog: /dev/log, sshd and sftp-server in the facility auth, all else in "
        "daemon. A file that logrotate moves away\n  # is made again by itself. The packaged service may "
        "write "
        "file:/var/log/apdepot/apdepot.log; another folder takes\n  # ReadWritePaths=FOLDER in `systemctl "
        "edit "
        "apdepot`.",
        "auto: the event log as a service, else stderr. journal and syslog: the event log Application, "
        "source apdepot.\n  # A service writes a file and the event log. A file that somebody moves away is "
        "made again "
        "by itself."},
    Exchange{" A new port\n  # below 1024 takes a restart, or a socket of systemd's: `systemctl enable "
             "apdepot-syslog.socket && systemctl restart\n  # apdepot`.",
             ""},
    Exchange{" A new port below 1024 takes a restart, or a socket\n  # of systemd's: `systemctl enable "
             "apdepot-http.socket && systemctl restart apdepot`, and apdepot-https.socket for TLS.",
             ""},
};

// As a rule C:/ProgramData.
std::string program_data() {
  std::wstring folder(32'768, L'\0');
  const auto size = static_cast<DWORD>(folder.size());
  const auto count = ::GetEnvironmentVariableW(L"ProgramData", folder.data(), size);
  folder.resize(count < size ? count : 0);
  return folder.empty() ? "C:/ProgramData" : storage::utf8_of(folder);
}

void exchange(std::string& text, std::string_view from, std::string_view to) {
  if (const auto at = text.find(from); at != text.npos) text.replace(at, from.size(), to);
}

}  // namespace

std::string example_of_host(std::string_view text) {
  std::string changed(text);
  exchange(changed, "depot: /var/lib/apdepot", "depot: " + program_data() + "/apdepot");
  for (const auto& [from, to] : exchanges) exchange(changed, from, to);
  return changed;
}

}  // namespace conf
