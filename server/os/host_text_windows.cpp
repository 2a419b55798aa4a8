#include <fmt/format.h>

#include "server/os/host_text.hpp"
#include "server/os/wide.hpp"

namespace server::host {

// %ProgramData%\apdepot, which administrators alone may write: `apdepot service install` sees to that.
std::filesystem::path usual_config() {
  std::wstring folder(32'768, L'\0');
  const auto size = static_cast<DWORD>(folder.size());
  const auto count = ::GetEnvironmentVariableW(L"ProgramData", folder.data(), size);
  folder.resize(count < size ? count : 0);
  return std::filesystem::path(folder.empty() ? L"C:\\ProgramData" : folder) / L"apdepot" / L"apdepot.yaml";
}

const char* const start = "apdepot service start";
const char* const restart = "apdepot service restart";
const char* const reload = "apdepot service reload";
const char* const status = "apdepot service status";
const char* const enable = "apdepot service install";
const char* const install = "apdepot service install";
const char* const log = "powershell Get-WinEvent -ProviderName apdepot -MaxEvents 50";
const char* const log_warnings = log;
const char* const log_errors = log;
const char* const log_of_history = log;
const char* const set_clock = "net start w32time & w32tm /resync";
const char* const upgrade = "install the newest apdepot, which has {} built in";
const char* const all_listeners = "netstat -abno";
const char* const move_sshd =
    "write \"Port 2222\" into %ProgramData%\\ssh\\sshd_config, and `net stop sshd & net start sshd`";
const char* const sudo = "";
const char* const name_a_user = "`net user` lists those that it has";
const char* const administrator = "an administrator";
const char* const as_administrator = "as an administrator";
const char* const who_sees_rights = "that user alone";
const char* const service_manager = "Windows";

std::string listeners(bool tcp, std::uint16_t port) {
  return fmt::format("netstat -ano -p {} | findstr :{}", tcp ? "TCP" : "UDP", port);
}

std::string route_to(const std::string& host) { return fmt::format("tracert -d {}", host); }

std::string give(const std::string& user, const std::string& folder) {
  return fmt::format("icacls \"{}\" /grant \"{}:(OI)(CI)F\" /T", folder, user);
}

std::string give_file(const std::string& user, const std::string& file) {
  return fmt::format("icacls \"{}\" /grant \"{}:F\"", file, user);
}

std::string let_read(const std::string& folder) {
  return fmt::format("icacls \"{}\" /grant *S-1-5-32-545:(OI)(CI)RX /T", folder);
}

std::string let_service_write(const std::string& folder) {
  return fmt::format("nothing can be written to {}: log.target: journal, or a file in another folder",
                     folder);
}

std::string move(const std::string& from, const std::string& to) {
  return fmt::format("move \"{}\" \"{}\"", from, to);
}

std::string stop_for_good(const std::string& service) {
  return fmt::format("sc.exe config \"{0}\" start= disabled & net stop \"{0}\"", service);
}

std::string stop_process(std::uint32_t number) { return fmt::format("taskkill /F /PID {}", number); }

}  // namespace server::host
