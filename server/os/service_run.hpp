#pragma once
// For *_windows.cpp alone: a process that the Service Control Manager starts.
#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

namespace server {

constexpr std::wstring_view service_name = L"apdepot";

// Tells the SCM that this process is the service apdepot, and runs `serve` on the thread that the SCM gives
// it, in the folder of the program. Returns its exit status: 0, or what needs a change by a person, which the
// SCM hears as a stop with that code. For exit status 1 the process ends as by a crash, so that the SCM's
// recovery starts it again. Throws std::system_error where the SCM has not started this process.
int run_as_service(std::function<int()> serve);

// Any thread; before run_as_service() there is nobody to be told.
bool runs_as_service();
// One of the SCM's SERVICE_ states. It takes a service for dead that stays in a pending one for longer than
// `at_most` without a word.
void tell_scm(std::uint32_t state, std::chrono::milliseconds at_most = {});

}  // namespace server
