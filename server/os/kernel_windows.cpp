#include "server/os/kernel.hpp"

#include <algorithm>
#include <charconv>

#include "server/os/descriptors.hpp"
#include "server/os/program.hpp"
#include "server/os/wide.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 5s;
constexpr std::size_t most_text = 4096;

// The numbers that stand after a colon, line by line: netsh speaks the language of the host.
std::vector<std::uint32_t> numbers_in(std::string_view text) {
  std::vector<std::uint32_t> numbers;
  for (auto at = text.find(':'); at != text.npos; at = text.find(':', at + 1)) {
    const auto begin = text.find_first_not_of(' ', at + 1);
    std::uint32_t number = 0;
    if (begin != text.npos &&
        std::from_chars(text.data() + begin, text.data() + text.size(), number).ec == std::errc())
      numbers.push_back(number);
  }
  return numbers;
}

class ServiceHandle {
 public:
  explicit ServiceHandle(SC_HANDLE handle) : handle_(handle) {}
  ServiceHandle(const ServiceHandle&) = delete;
  ServiceHandle& operator=(const ServiceHandle&) = delete;
  ~ServiceHandle() {
    if (handle_) ::CloseServiceHandle(handle_);
  }
  SC_HANDLE get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  SC_HANDLE handle_;
};

// Nothing where there is no such service, or it does not say.
std::optional<bool> runs(const wchar_t* name) {
  const ServiceHandle manager(::OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT));
  if (!manager) return {};
  const ServiceHandle service(::OpenServiceW(manager.get(), name, SERVICE_QUERY_STATUS));
  SERVICE_STATUS status{};
  if (!service || !::QueryServiceStatus(service.get(), &status)) return {};
  return status.dwCurrentState == SERVICE_RUNNING;
}

bool is_time_switched_off() {
  std::wstring type(64, L'\0');
  auto size = static_cast<DWORD>(type.size() * sizeof(wchar_t));
  if (::RegGetValueW(HKEY_LOCAL_MACHINE, L"SYSTEM\\CurrentControlSet\\Services\\W32Time\\Parameters", L"Type",
                     RRF_RT_REG_SZ, nullptr, type.data(), &size) != ERROR_SUCCESS)
    return false;
  return type.starts_with(L"NoSync");
}

}  // namespace

// Windows has no sysctl. A port takes no privilege there.
std::optional<std::uint64_t> kernel_setting(const std::string& name) {
  if (name == "net/ipv4/ip_unprivileged_port_start") return 0;
  return {};
}

// "Start Port : 49152", "Number of Ports : 16384".
std::optional<conf::PortRange> local_ports() {
  const auto shown =
      run_program({"netsh", "interface", "ipv4", "show", "dynamicport", "udp"}, patience, most_text);
  if (!shown || shown->status != 0) return {};
  const auto numbers = numbers_in(shown->text);
  if (numbers.size() != 2 || numbers[0] == 0 || numbers[1] == 0 || numbers[0] + numbers[1] > 65'536)
    return {};
  conf::PortRange range;
  range.first = static_cast<std::uint16_t>(numbers[0]);
  range.last = static_cast<std::uint16_t>(numbers[0] + numbers[1] - 1);
  return range;
}

// Windows counts no datagrams that found the buffer of their socket full.
std::optional<UdpCount> udp_count() { return {}; }

std::optional<std::uint64_t> descriptors_of(std::uint32_t) { return most_descriptors(); }

// By the time service, or by that of Hyper-V for its guests. Where neither runs, another program may do it.
std::optional<bool> is_clock_kept() {
  if (runs(L"vmictimesync") == true) return true;
  if (is_time_switched_off()) return false;
  if (runs(L"W32Time") == true) return true;
  return {};
}

bool has_legacy_rules() { return false; }

bool has_systemd() { return false; }

}  // namespace server
