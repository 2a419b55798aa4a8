#include "server/os/service_control.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <filesystem>
#include <memory>
#include <thread>

#include "server/os/event_log.hpp"
#include "server/os/program.hpp"
#include "server/os/service_run.hpp"
#include "server/os/wide.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path_text.hpp"
// After wide.hpp: it needs windows.h.
#include <aclapi.h>

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto account = L"NT SERVICE\\apdepot";
constexpr auto event_source = L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\apdepot";
constexpr auto rule = "name=apdepot";  // of the firewall
constexpr auto program_name = L"apdepot.exe";
constexpr std::chrono::milliseconds pause = 200ms, least_patience = 30s, netsh_patience = 20s;
constexpr std::size_t most_netsh = 1 << 20;
constexpr auto spare_time = 15s;  // beside what a stop takes, at the end of the host
constexpr DWORD second = 1000;    // of the SCM's milliseconds

class Scm {
 public:
  explicit Scm(SC_HANDLE handle) : handle_(handle) {}
  Scm(const Scm&) = delete;
  Scm& operator=(const Scm&) = delete;
  ~Scm() {
    if (handle_) ::CloseServiceHandle(handle_);
  }
  SC_HANDLE get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  SC_HANDLE handle_;
};

[[noreturn]] void fail_with_right(DWORD error, const std::string& what) {
  fail(error, error == ERROR_ACCESS_DENIED ? what + "; run this as an administrator" : what);
}

SC_HANDLE open_manager(DWORD access) {
  const auto manager = ::OpenSCManagerW(nullptr, nullptr, access);
  if (!manager) fail_with_right(::GetLastError(), "cannot reach the Service Control Manager");
  return manager;
}

// None where there is no such service.
SC_HANDLE open_service(const Scm& manager, DWORD access) {
  const auto service = ::OpenServiceW(manager.get(), service_name.data(), access);
  if (!service && ::GetLastError() != ERROR_SERVICE_DOES_NOT_EXIST)
    fail_with_right(::GetLastError(), "cannot open the service apdepot");
  return service;
}

void expect_installed(const Scm& service) {
  if (!service)
    fail(ERROR_SERVICE_DOES_NOT_EXIST, "there is no service apdepot: `apdepot service install` makes it");
}

SERVICE_STATUS_PROCESS status_of(const Scm& service) {
  SERVICE_STATUS_PROCESS status{};
  DWORD size = 0;
  if (!::QueryServiceStatusEx(service.get(), SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&status),
                              sizeof status, &size))
    fail_with_right(::GetLastError(), "cannot ask for the state of the service apdepot");
  return status;
}

// As long as the service says that it goes on.
SERVICE_STATUS_PROCESS wait_while(const Scm& service, DWORD state) {
  auto status = status_of(service);
  auto began = Clock::now();
  for (auto step = status.dwCheckPoint; status.dwCurrentState == state; status = status_of(service)) {
    if (std::exchange(step, status.dwCheckPoint) != status.dwCheckPoint) began = Clock::now();
    const auto patience = std::chrono::milliseconds(status.dwWaitHint) + least_patience;
    if (Clock::now() - began > patience) fail(ERROR_SERVICE_REQUEST_TIMEOUT, "the service apdepot hangs");
    std::this_thread::sleep_for(pause);
  }
  return status;
}

void stop(const Scm& service) {
  SERVICE_STATUS ignored{};
  if (!::ControlService(service.get(), SERVICE_CONTROL_STOP, &ignored)) {
    const auto error = ::GetLastError();
    if (error == ERROR_SERVICE_NOT_ACTIVE) return;
    if (error != ERROR_SERVICE_CANNOT_ACCEPT_CTRL) fail_with_right(error, "cannot stop the service apdepot");
  }
  const auto status = wait_while(service, SERVICE_STOP_PENDING);
  if (status.dwCurrentState != SERVICE_STOPPED)
    fail(ERROR_SERVICE_CANNOT_ACCEPT_CTRL, "the service apdepot does not stop");
}

// As CommandLineToArgvW takes it apart again; a path ends in no backslash here.
std::wstring quoted(const std::wstring& word) { return L"\"" + word + L"\""; }

std::wstring command_line(const std::vector<std::string>& words) {
  auto line = quoted(own_program().wstring());
  for (const auto& word : words) line += L" " + quoted(wide(word));
  return line;
}

class Refusals {
 public:
  void note(bool done, const char* what) {
    if (!done) texts_.push_back(fmt::format("{}: {}", what, last_error().message()));
  }
  void add(std::string text) { texts_.push_back(std::move(text)); }
  std::vector<std::string> take() { return std::move(texts_); }

 private:
  std::vector<std::string> texts_;
};

void configure(const Scm& service, const ServiceWanted& wanted, Refusals& refusals) {
  const auto set = [&](DWORD what, auto& value, const char* otherwise) {
    refusals.note(::ChangeServiceConfig2W(service.get(), what, &value) != 0, otherwise);
  };
  std::wstring text = L"Serves images to access points and controllers over TFTP, SFTP, SCP and HTTP";
  SERVICE_DESCRIPTIONW description{text.data()};
  set(SERVICE_CONFIG_DESCRIPTION, description, "the service has no description");
  // A crash, and not a stop with an error: what needs another configuration is not tried again.
  std::array<SC_ACTION, 3> actions{
      {{SC_ACTION_RESTART, 5 * second}, {SC_ACTION_RESTART, 30 * second}, {SC_ACTION_RESTART, 60 * second}}};
  constexpr DWORD a_day = 86'400;
  SERVICE_FAILURE_ACTIONSW failure{a_day, nullptr, nullptr, static_cast<DWORD>(actions.size()),
                                   actions.data()};
  set(SERVICE_CONFIG_FAILURE_ACTIONS, failure, "the service is not started again after a crash");
  SERVICE_SID_INFO sid{SERVICE_SID_TYPE_UNRESTRICTED};
  set(SERVICE_CONFIG_SERVICE_SID_INFO, sid, "the service's account cannot be given rights of its own");
  std::wstring privileges(L"SeChangeNotifyPrivilege\0", 24);  // the list ends with an empty word
  SERVICE_REQUIRED_PRIVILEGES_INFOW required{privileges.data()};
  set(SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, required,
      "the service keeps privileges that it has no need for");
  SERVICE_DELAYED_AUTO_START_INFO delayed{TRUE};
  set(SERVICE_CONFIG_DELAYED_AUTO_START_INFO, delayed, "the service starts at once with the host");
  const auto at_end = std::chrono::milliseconds(wanted.stopping + spare_time).count();
  SERVICE_PRESHUTDOWN_INFO preshutdown{static_cast<DWORD>(at_end)};
  set(SERVICE_CONFIG_PRESHUTDOWN_INFO, preshutdown, "transfers may be cut off when the host shuts down");
}

void register_events(Refusals& refusals) {
  HKEY key = nullptr;
  auto error = ::RegCreateKeyExW(HKEY_LOCAL_MACHINE, event_source, 0, nullptr, 0, KEY_SET_VALUE, nullptr,
                                 &key, nullptr);
  if (error == ERROR_SUCCESS) {
    const auto program = own_program().wstring();
    const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    const auto categories = static_cast<DWORD>(EventLog::Category::import);
    const auto set = [&](const wchar_t* name, DWORD type, const void* value, std::size_t size) {
      if (error == ERROR_SUCCESS)
        error =
            ::RegSetValueExW(key, name, 0, type, static_cast<const BYTE*>(value), static_cast<DWORD>(size));
    };
    for (const auto* file : {L"EventMessageFile", L"CategoryMessageFile"})
      set(file, REG_EXPAND_SZ, program.c_str(), (program.size() + 1) * sizeof(wchar_t));
    set(L"TypesSupported", REG_DWORD, &types, sizeof types);
    set(L"CategoryCount", REG_DWORD, &categories, sizeof categories);
    ::RegCloseKey(key);
  }
  if (error != ERROR_SUCCESS)
    refusals.add(fmt::format("the event log shows events of apdepot without their text: {}",
                             windows_error(static_cast<DWORD>(error)).message()));
}

using Exclude = HRESULT(WINAPI*)(PCWSTR, BOOL);

// WerAddExcludedApplication, or its contrary: werapi.h does not compile in mingw-w64 10.
void exclude_from_reports(const char* function, Refusals& refusals) {
  const std::unique_ptr<std::remove_pointer_t<HMODULE>, decltype(&::FreeLibrary)> library(
      ::LoadLibraryExW(L"wer.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32), ::FreeLibrary);
  const auto address = library ? ::GetProcAddress(library.get(), function) : nullptr;
  const auto exclude = reinterpret_cast<Exclude>(reinterpret_cast<void*>(address));
  if (!exclude || exclude(program_name, TRUE) < 0)
    refusals.add("Windows Error Reporting may keep memory of a crashed server, which holds keys");
}

void let_in(const std::vector<std::string>& more, Refusals& refusals) {
  std::vector<std::string> words{
      "netsh", "advfirewall", "firewall",     "add",         "rule",
      rule,    "dir=in",      "action=allow", "profile=any", "program=" + narrow(own_program().wstring())};
  words.insert(words.end(), more.begin(), more.end());
  const auto done = run_program(words, netsh_patience, most_netsh);
  if (!done || done->status != 0)
    refusals.add(fmt::format("the Windows firewall was not told to let in {}", fmt::join(more, " ")));
}

void close_firewall() {
  run_program({"netsh", "advfirewall", "firewall", "delete", "rule", rule}, netsh_patience, most_netsh);
}

// UDP by the program alone: a transfer has a port of its own.
void open_firewall(const std::vector<std::uint16_t>& tcp_ports, Refusals& refusals) {
  close_firewall();
  let_in({"protocol=UDP"}, refusals);
  if (!tcp_ports.empty())
    let_in({"protocol=TCP", fmt::format("localport={}", fmt::join(tcp_ports, ","))}, refusals);
}

using Sid = std::array<std::byte, SECURITY_MAX_SID_SIZE>;

Sid known(WELL_KNOWN_SID_TYPE type) {
  Sid sid{};
  auto size = static_cast<DWORD>(sid.size());
  if (!::CreateWellKnownSid(type, nullptr, sid.data(), &size))
    fail(::GetLastError(), "cannot name an account of Windows");
  return sid;
}

EXPLICIT_ACCESSW access(PSID sid, DWORD rights, DWORD inheritance) {
  EXPLICIT_ACCESSW entry{};
  entry.grfAccessPermissions = rights;
  entry.grfAccessMode = SET_ACCESS;
  entry.grfInheritance = inheritance;
  entry.Trustee.TrusteeForm = TRUSTEE_IS_SID;
  entry.Trustee.ptstrName = static_cast<LPWSTR>(sid);
  return entry;
}

// Nobody else has access to a place, nor to what is in it, whatever was handed down or set before: another
// user may have made it.
void give(const std::filesystem::path& place, DWORD of_service, DWORD inheritance, Refusals& refusals) {
  auto system = known(WinLocalSystemSid), administrators = known(WinBuiltinAdministratorsSid);
  std::array entries{access(system.data(), FILE_ALL_ACCESS, inheritance),
                     access(administrators.data(), FILE_ALL_ACCESS, inheritance),
                     access(nullptr, of_service, inheritance)};
  std::wstring name(account);
  entries[2].Trustee.TrusteeForm = TRUSTEE_IS_NAME;
  entries[2].Trustee.ptstrName = name.data();
  PACL list = nullptr;
  auto error = ::SetEntriesInAclW(static_cast<ULONG>(entries.size()), entries.data(), nullptr, &list);
  if (error == ERROR_SUCCESS) {
    auto path = place.wstring();
    error = ::TreeResetNamedSecurityInfoW(
        path.data(), SE_FILE_OBJECT,
        OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
        administrators.data(), nullptr, list, nullptr, FALSE, nullptr, ProgressInvokeNever, nullptr);
    ::LocalFree(list);
  }
  if (error != ERROR_SUCCESS)
    refusals.add(fmt::format("the rights of {} were not set: {}", storage::utf8_of(place),
                             windows_error(error).message()));
}

// The service may write in the depot, but not take rights there, and never write its own configuration, which
// usually lies in it.
void give_depot(const ServiceWanted& wanted, Refusals& refusals) {
  constexpr DWORD modify = FILE_GENERIC_READ | FILE_GENERIC_WRITE | FILE_GENERIC_EXECUTE | DELETE;
  storage::make_directories(wanted.depot, 0755);
  give(wanted.depot, modify, SUB_CONTAINERS_AND_OBJECTS_INHERIT, refusals);
  if (std::filesystem::exists(wanted.config))
    give(wanted.config, FILE_GENERIC_READ, NO_INHERITANCE, refusals);
}

const char* name_of(DWORD state) {
  switch (state) {
    case SERVICE_STOPPED:
      return "stopped";
    case SERVICE_START_PENDING:
      return "starting";
    case SERVICE_STOP_PENDING:
      return "stopping";
    case SERVICE_RUNNING:
      return "running";
    default:
      return "paused";
  }
}

}  // namespace

std::vector<std::string> install_service(const ServiceWanted& wanted) {
  Refusals refusals;
  const Scm manager(open_manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE));
  const auto line = command_line(wanted.words);
  constexpr auto needed = L"Tcpip\0Afd\0";  // the list ends with an empty word
  Scm service(open_service(manager, SERVICE_ALL_ACCESS));
  if (service) {
    if (!::ChangeServiceConfigW(service.get(), SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                SERVICE_ERROR_NORMAL, line.c_str(), nullptr, nullptr, needed, account,
                                nullptr, service_name.data()))
      fail_with_right(::GetLastError(), "cannot change the service apdepot");
    configure(service, wanted, refusals);
  } else {
    const Scm made(::CreateServiceW(manager.get(), service_name.data(), service_name.data(),
                                    SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                    SERVICE_ERROR_NORMAL, line.c_str(), nullptr, nullptr, needed, account,
                                    nullptr));
    if (!made) fail_with_right(::GetLastError(), "cannot make the service apdepot");
    configure(made, wanted, refusals);
  }
  register_events(refusals);
  exclude_from_reports("WerAddExcludedApplication", refusals);
  open_firewall(wanted.tcp_ports, refusals);
  give_depot(wanted, refusals);
  return refusals.take();
}

void remove_service() {
  const Scm manager(open_manager(SC_MANAGER_CONNECT));
  const Scm service(open_service(manager, SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE));
  Refusals ignored;
  if (service) {
    stop(service);
    if (!::DeleteService(service.get()) && ::GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
      fail_with_right(::GetLastError(), "cannot remove the service apdepot");
  }
  close_firewall();
  exclude_from_reports("WerRemoveExcludedApplication", ignored);
  ::RegDeleteTreeW(HKEY_LOCAL_MACHINE, event_source);
}

void start_service() {
  const Scm manager(open_manager(SC_MANAGER_CONNECT));
  const Scm service(open_service(manager, SERVICE_START | SERVICE_QUERY_STATUS));
  expect_installed(service);
  if (!::StartServiceW(service.get(), 0, nullptr) && ::GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
    fail_with_right(::GetLastError(), "cannot start the service apdepot");
  const auto status = wait_while(service, SERVICE_START_PENDING);
  if (status.dwCurrentState == SERVICE_RUNNING) return;
  fail(
      status.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR || status.dwWin32ExitCode == NO_ERROR
          ? ERROR_SERVICE_NOT_ACTIVE
          : status.dwWin32ExitCode,
      "the service apdepot has ended; the event log says why (`powershell Get-WinEvent -ProviderName apdepot "
      "-MaxEvents 5`)");
}

void stop_service() {
  const Scm manager(open_manager(SC_MANAGER_CONNECT));
  const Scm service(open_service(manager, SERVICE_STOP | SERVICE_QUERY_STATUS));
  expect_installed(service);
  stop(service);
}

void reload_service() {
  const Scm manager(open_manager(SC_MANAGER_CONNECT));
  const Scm service(open_service(manager, SERVICE_PAUSE_CONTINUE | SERVICE_QUERY_STATUS));
  expect_installed(service);
  SERVICE_STATUS ignored{};
  if (!::ControlService(service.get(), SERVICE_CONTROL_PARAMCHANGE, &ignored))
    fail_with_right(::GetLastError(), "cannot tell the service apdepot to read its configuration again");
}

ServiceState service_state() {
  const Scm manager(open_manager(SC_MANAGER_CONNECT));
  const Scm service(open_service(manager, SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG));
  if (!service) return {};
  const auto status = status_of(service);
  ServiceState state{true, name_of(status.dwCurrentState), status.dwProcessId, {}, {}, false};
  DWORD size = 0;
  ::QueryServiceConfigW(service.get(), nullptr, 0, &size);
  std::vector<std::byte> memory(size);
  auto* const config = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(memory.data());
  if (size > 0 && ::QueryServiceConfigW(service.get(), config, size, &size)) {
    state.account = narrow(config->lpServiceStartName ? config->lpServiceStartName : L"");
    state.command_line = narrow(config->lpBinaryPathName ? config->lpBinaryPathName : L"");
    state.automatic = config->dwStartType == SERVICE_AUTO_START;
  }
  return state;
}

}  // namespace server
