#include "server/os/service_manager.hpp"

#include <fcntl.h>
#include <io.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>

#include "server/os/service_run.hpp"
#include "server/os/wide.hpp"

// Of werapi.h, which does not compile in mingw-w64 10.
extern "C" HRESULT WINAPI WerSetFlags(DWORD flags);

namespace server {
namespace {

constexpr DWORD no_heap = 1;  // WER_FAULT_REPORTING_FLAG_NOHEAP
// What is not open leads nowhere.
void hold(DWORD which, int descriptor, int flags) {
  const auto handle = ::GetStdHandle(which);
  if (handle != nullptr && handle != INVALID_HANDLE_VALUE && ::_get_osfhandle(descriptor) >= 0) return;
  const int nowhere = ::_open("NUL", flags | _O_BINARY);
  if (nowhere < 0) return;
  if (nowhere != descriptor) {
    ::_dup2(nowhere, descriptor);
    ::_close(nowhere);
  }
  ::SetStdHandle(which, reinterpret_cast<HANDLE>(::_get_osfhandle(descriptor)));
}

// The shell that started us gets its code page back.
void show_utf8() {
  static const auto before = ::GetConsoleOutputCP();
  if (before != 0 && before != CP_UTF8 && ::SetConsoleOutputCP(CP_UTF8))
    std::atexit([] { ::SetConsoleOutputCP(before); });
}

// Ends a process that crashes before anybody can write its memory into a file.
LONG WINAPI end_without_dump(EXCEPTION_POINTERS* exception) {
  ::TerminateProcess(::GetCurrentProcess(), exception->ExceptionRecord->ExceptionCode);
  return EXCEPTION_EXECUTE_HANDLER;
}

}  // namespace

// Besides: no "\r" in what is written, and the console shows it as UTF-8 and obeys escapes. Libraries come
// from the system's folder alone, never from the one in which a command is given.
void hold_standard_streams() {
  ::SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
  hold(STD_INPUT_HANDLE, 0, _O_RDONLY);
  hold(STD_OUTPUT_HANDLE, 1, _O_WRONLY);
  hold(STD_ERROR_HANDLE, 2, _O_WRONLY);
  for (const int descriptor : {0, 1, 2}) ::_setmode(descriptor, _O_BINARY);
  std::setvbuf(stderr, nullptr, _IONBF, 0);  // the C library keeps what goes to a pipe
  show_utf8();
  for (const auto which : {STD_OUTPUT_HANDLE, STD_ERROR_HANDLE})
    if (DWORD mode = 0; ::GetConsoleMode(::GetStdHandle(which), &mode))
      ::SetConsoleMode(::GetStdHandle(which), mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

// Memory holds host keys and, for a moment, passwords: no dialog and no report of a crash shows it. An
// administrator with the right to debug may read it all the same, as root may on Linux.
void prepare_process() {
  ::SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
  ::SetUnhandledExceptionFilter(end_without_dump);
  ::WerSetFlags(no_heap);  // for what ends without the filter: abort(), a broken stack
  ::HeapSetInformation(nullptr, HeapEnableTerminationOnCorruption, nullptr, 0);
}

std::string no_descriptor_text(std::error_code error) { return error.message(); }

void give_memory_back() {
  ::_heapmin();
  ::HeapCompact(::GetProcessHeap(), 0);
}

bool has_service_manager() { return runs_as_service(); }

void tell_ready() { tell_scm(SERVICE_RUNNING); }

void tell_reloading() {}  // the SCM has no such state

void tell_stopping(std::chrono::seconds at_most) { tell_scm(SERVICE_STOP_PENDING, at_most); }

void tell_status(std::string_view) {}  // the SCM shows no text

void tell_alive() {}

std::optional<std::chrono::microseconds> watchdog_interval() { return {}; }  // the SCM has no watchdog

// The SCM keeps no sockets.
void keep_socket(std::intptr_t, const std::string&) {}
void drop_kept(const std::string&) {}
void wait_for_manager() {}

bool stderr_is_journal() { return has_service_manager(); }
bool host_log_beside_file() { return has_service_manager(); }

// TerminateProcess and not _Exit(): that one would let libraries say farewell, and they wait for locks that
// the threads hold which are left behind.
void leave_at_once() {
  std::fflush(nullptr);
  tell_scm(SERVICE_STOPPED);
  ::TerminateProcess(::GetCurrentProcess(), 0);
  std::abort();
}

}  // namespace server
