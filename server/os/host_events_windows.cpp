#include "server/os/host_events.hpp"

#include <fmt/format.h>

#include "server/os/wide.hpp"

namespace server {
namespace {

// One that had the name before us may set the event when it likes: then ours has no name.
HANDLE make_event(const char* what) {
  const auto name = fmt::format("Local\\apdepot-{}-{}", ::GetCurrentProcessId(), what);
  const auto event = ::CreateEventW(nullptr, FALSE, FALSE, wide(name).c_str());
  if (event && ::GetLastError() != ERROR_ALREADY_EXISTS) return event;
  if (event) ::CloseHandle(event);
  return ::CreateEventW(nullptr, FALSE, FALSE, nullptr);
}

}  // namespace

HANDLE stop_event() {
  static const HANDLE event = make_event("stop");
  return event;
}

HANDLE reload_event() {
  static const HANDLE event = make_event("reload");
  return event;
}

}  // namespace server
