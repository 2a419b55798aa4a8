#include "server/os/thread_time.hpp"

#include <windows.h>

#include <cstdint>

namespace server {
namespace {

// Of the counter that QueryThreadCycleTime() reads, which runs at the processor's nominal speed. 0: unknown.
double cycles_per_nanosecond() {
  DWORD megahertz = 0, size = sizeof megahertz;
  const auto error = ::RegGetValueW(HKEY_LOCAL_MACHINE, L"HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0",
                                    L"~MHz", RRF_RT_REG_DWORD, nullptr, &megahertz, &size);
  return error == ERROR_SUCCESS ? megahertz / 1000.0 : 0.0;
}

std::int64_t ticks(const FILETIME& time) {
  return static_cast<std::int64_t>(std::uint64_t{time.dwHighDateTime} << 32U | time.dwLowDateTime);
}

// In steps of the scheduler's, 15.6 ms as a rule.
std::chrono::nanoseconds scheduled_time() {
  FILETIME begun{}, ended{}, kernel{}, user{};
  ::GetThreadTimes(::GetCurrentThread(), &begun, &ended, &kernel, &user);
  return std::chrono::nanoseconds(100 * (ticks(kernel) + ticks(user)));
}

}  // namespace

// By cycles, which is right to a percent. wine counts none.
std::chrono::nanoseconds thread_time() {
  static const double speed = cycles_per_nanosecond();
  ULONG64 cycles = 0;
  if (speed <= 0 || !::QueryThreadCycleTime(::GetCurrentThread(), &cycles) || cycles == 0)
    return scheduled_time();
  return std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(cycles) / speed));
}

}  // namespace server
