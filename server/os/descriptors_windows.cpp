#include "server/os/descriptors.hpp"

#include <windows.h>

namespace server {
namespace {

// Windows has no limit that an administrator could set, but what each handle takes of the kernel's memory:
// this is what systemd allows a service on Linux. Handles end at 16 million.
constexpr std::size_t most = 524'288;

}  // namespace

std::size_t most_descriptors() { return most; }

bool is_of_the_reserve(std::intptr_t) {
  DWORD count = 0;
  return ::GetProcessHandleCount(::GetCurrentProcess(), &count) && count >= most - most / 4;
}

}  // namespace server
