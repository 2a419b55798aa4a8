#include "server/os/port_holder.hpp"

#include <memory>
#include <type_traits>
#include <vector>

#include "server/os/wide.hpp"
#include "server/os/winsock.hpp"
// After those: they need winsock2.h.
#include <iphlpapi.h>
#include <tlhelp32.h>
#include <winsvc.h>

namespace server {
namespace {

constexpr int most_tries = 4;  // while a list grows

// The process that `Table`, a list of the system's sockets, has at the port. 0: there is none.
template <class Table, class Ask>
std::uint32_t process_in(std::uint16_t port, Ask ask) {
  DWORD size = 16'384;
  std::vector<std::uint64_t> room;
  for (int tries = 0; tries < most_tries; ++tries) {
    room.resize(size / sizeof room[0] + 1);
    const auto error = ask(room.data(), &size);
    if (error == ERROR_INSUFFICIENT_BUFFER) continue;
    if (error != NO_ERROR) return 0;
    const auto* const table = reinterpret_cast<const Table*>(room.data());
    for (DWORD i = 0; i < table->dwNumEntries; ++i)
      if (ntohs(static_cast<u_short>(table->table[i].dwLocalPort)) == port)
        return table->table[i].dwOwningPid;
    return 0;
  }
  return 0;
}

template <class V4, class V6, class Ask>
std::uint32_t process_of(std::uint16_t port, Ask ask) {
  const auto of = [&ask](ULONG family) {
    return [&ask, family](void* room, DWORD* size) { return ask(room, size, family); };
  };
  const auto found = process_in<V4>(port, of(AF_INET));
  return found != 0 ? found : process_in<V6>(port, of(AF_INET6));
}

// Of any process, whoever its user is.
std::string program_of(std::uint32_t process) {
  const KernelHandle all(::CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0));
  PROCESSENTRY32W entry{};
  entry.dwSize = sizeof entry;
  for (BOOL more = all ? ::Process32FirstW(all.get(), &entry) : FALSE; more;
       more = ::Process32NextW(all.get(), &entry))
    if (entry.th32ProcessID == process) return narrow(entry.szExeFile);
  return {};
}

struct CloseService {
  void operator()(SC_HANDLE handle) const { ::CloseServiceHandle(handle); }
};

// Empty where the process is none, or has several: to stop the wrong one would help nobody.
std::string service_of(std::uint32_t process) {
  const std::unique_ptr<std::remove_pointer_t<SC_HANDLE>, CloseService> manager(
      ::OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE));
  if (!manager) return {};
  std::vector<std::uint64_t> room(8'192);
  DWORD missing = 0, count = 0;
  for (int tries = 0; tries < most_tries; ++tries) {
    DWORD from = 0;
    const auto size = static_cast<DWORD>(room.size() * sizeof room[0]);
    if (::EnumServicesStatusExW(manager.get(), SC_ENUM_PROCESS_INFO, SERVICE_WIN32, SERVICE_ACTIVE,
                                reinterpret_cast<BYTE*>(room.data()), size, &missing, &count, &from, nullptr))
      break;
    count = 0;
    if (::GetLastError() != ERROR_MORE_DATA) return {};
    room.resize(room.size() + missing / sizeof room[0] + 1);
  }
  const auto* const services = reinterpret_cast<const ENUM_SERVICE_STATUS_PROCESSW*>(room.data());
  std::string found;
  for (DWORD i = 0; i < count; ++i) {
    if (services[i].ServiceStatusProcess.dwProcessId != process) continue;
    if (!found.empty()) return {};
    found = narrow(services[i].lpServiceName);
  }
  return found;
}

std::optional<PortHolder> holder(std::uint32_t process) {
  if (process == 0) return {};
  PortHolder found{program_of(process), process, service_of(process)};
  if (found.program.empty() && found.unit.empty()) return {};
  return found;
}

}  // namespace

std::optional<PortHolder> holder_of_udp(std::uint16_t port) {
  return holder(process_of<MIB_UDPTABLE_OWNER_PID, MIB_UDP6TABLE_OWNER_PID>(
      port, [](void* room, DWORD* size, ULONG family) {
        return ::GetExtendedUdpTable(room, size, FALSE, family, UDP_TABLE_OWNER_PID, 0);
      }));
}

std::optional<PortHolder> holder_of_tcp(std::uint16_t port) {
  return holder(process_of<MIB_TCPTABLE_OWNER_PID, MIB_TCP6TABLE_OWNER_PID>(
      port, [](void* room, DWORD* size, ULONG family) {
        return ::GetExtendedTcpTable(room, size, FALSE, family, TCP_TABLE_OWNER_PID_LISTENER, 0);
      }));
}

}  // namespace server
