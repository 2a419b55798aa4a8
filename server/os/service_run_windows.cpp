#include "server/os/service_run.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "server/os/host_events.hpp"
#include "server/os/wide.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto starting_time = 60s;    // until the ports are bound and the depot has been looked at
constexpr auto first_stop_time = 30s;  // until the loop has begun to drain, and says how long that may last

// What the SCM knows of this process. Its handler runs on the thread that called run_as_service().
class Service {
 public:
  bool begin(LPHANDLER_FUNCTION_EX handler) {
    handle_ = ::RegisterServiceCtrlHandlerExW(service_name.data(), handler, nullptr);
    if (handle_) tell(SERVICE_START_PENDING, starting_time);
    return handle_ != nullptr;
  }
  bool is_one() const { return handle_ != nullptr; }
  // The SCM takes a service for dead that stays in a pending state for longer than `at_most` without a word.
  void tell(DWORD state, std::chrono::milliseconds at_most = 0ms, int exit_status = 0) {
    const std::lock_guard lock(mutex_);
    if (!handle_ || state_ == SERVICE_STOPPED || (state_ == SERVICE_STOP_PENDING && state == SERVICE_RUNNING))
      return;
    state_ = state;
    const bool pending = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING;
    SERVICE_STATUS status{};
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    // A stop is heard from the first moment on; it is heeded once the loop runs.
    status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN |
                                (state == SERVICE_RUNNING ? SERVICE_ACCEPT_PARAMCHANGE : 0);
    if (exit_status != 0) {
      status.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
      status.dwServiceSpecificExitCode = static_cast<DWORD>(exit_status);
    }
    status.dwCheckPoint = pending ? ++steps_ : 0;
    status.dwWaitHint = static_cast<DWORD>(at_most.count());
    ::SetServiceStatus(handle_, &status);
  }

 private:
  std::mutex mutex_;
  std::atomic<SERVICE_STATUS_HANDLE> handle_ = nullptr;
  DWORD state_ = 0, steps_ = 0;
};

Service& service() {
  static Service the_one;
  return the_one;
}

DWORD WINAPI hear(DWORD control, DWORD, void*, void*) {
  switch (control) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_PRESHUTDOWN:
      service().tell(SERVICE_STOP_PENDING, first_stop_time);
      ::SetEvent(stop_event());
      return NO_ERROR;
    case SERVICE_CONTROL_PARAMCHANGE:
      ::SetEvent(reload_event());
      return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
      return NO_ERROR;
    default:
      return ERROR_CALL_NOT_IMPLEMENTED;
  }
}

// Services start in System32.
void go_to_program() {
  const auto folder = own_program().parent_path();
  ::SetCurrentDirectoryW(folder.c_str());
}

std::function<int()> to_serve;
int served = 0;

void WINAPI serve_for_manager(DWORD, LPWSTR*) {
  if (!service().begin(hear)) return;
  go_to_program();
  served = to_serve();
  if (served == 1) ::TerminateProcess(::GetCurrentProcess(), 1);
  service().tell(SERVICE_STOPPED, 0ms, served);
}

}  // namespace

bool runs_as_service() { return service().is_one(); }

void tell_scm(std::uint32_t state, std::chrono::milliseconds at_most) { service().tell(state, at_most); }

int run_as_service(std::function<int()> serve) {
  to_serve = std::move(serve);
  std::wstring name(service_name);
  const std::array<SERVICE_TABLE_ENTRYW, 2> table{{{name.data(), serve_for_manager}, {nullptr, nullptr}}};
  if (!::StartServiceCtrlDispatcherW(table.data()))
    fail(::GetLastError(),
         "the service runs where the Service Control Manager starts it: `apdepot service "
         "start`, or `apdepot serve` in a console");
  return served;
}

}  // namespace server
