#include "server/os/program.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>

#include "server/os/wide.hpp"

namespace server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr DWORD longest_path = 32'768;

// Empty where there is no such program.
std::wstring place_of(const std::string& name) {
  std::wstring folder(longest_path, L'\0');
  folder.resize(::GetSystemDirectoryW(folder.data(), longest_path));
  auto place = folder + L"\\" + wide(name) + L".exe";
  const auto attributes = ::GetFileAttributesW(place.c_str());
  const bool there = attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
  return !folder.empty() && there ? place : std::wstring();
}

// As CommandLineToArgvW takes it apart again.
void append_quoted(std::wstring& line, const std::wstring& word) {
  if (!line.empty()) line += L' ';
  line += L'"';
  std::size_t backslashes = 0;
  for (const auto each : word) {
    if (each == L'"') line.append(backslashes + 1, L'\\');
    backslashes = each == L'\\' ? backslashes + 1 : 0;
    line += each;
  }
  line.append(backslashes, L'\\');
  line += L'"';
}

SECURITY_ATTRIBUTES inherited() { return {sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE}; }

// A pipe whose end for us may be waited for with a deadline; CreatePipe's cannot.
struct Pipe {
  KernelHandle output, input;
};

Pipe make_pipe() {
  static std::atomic<unsigned> number = 0;
  const auto name = wide(fmt::format("\\\\.\\pipe\\apdepot-{}-{}", ::GetCurrentProcessId(), ++number));
  Pipe pipe;
  pipe.output = KernelHandle(::CreateNamedPipeW(
      name.c_str(), PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
      PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, 1, 0, 65'536, 0, nullptr));
  auto rights = inherited();
  if (pipe.output)
    pipe.input = KernelHandle(::CreateFileW(name.c_str(), GENERIC_WRITE, 0, &rights, OPEN_EXISTING,
                                            FILE_ATTRIBUTE_NORMAL, nullptr));
  return pipe;
}

KernelHandle nowhere() {
  auto rights = inherited();
  return KernelHandle(
      ::CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, share_all, &rights, OPEN_EXISTING, 0, nullptr));
}

// The process, which has these two handles and none else of ours; none where it could not be started.
KernelHandle start(const std::wstring& program, std::wstring line, HANDLE output, HANDLE none) {
  std::array<HANDLE, 2> handles{output, none};
  SIZE_T size = 0;
  ::InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
  std::vector<std::byte> memory(size);
  STARTUPINFOEXW startup{};
  startup.StartupInfo.cb = sizeof startup;
  startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
  startup.StartupInfo.hStdInput = none;
  startup.StartupInfo.hStdOutput = output;
  startup.StartupInfo.hStdError = none;
  startup.lpAttributeList = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory.data());
  PROCESS_INFORMATION process{};
  if (!::InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &size)) return {};
  const bool started =
      ::UpdateProcThreadAttribute(startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                  handles.data(), sizeof handles, nullptr, nullptr) &&
      ::CreateProcessW(program.c_str(), line.data(), nullptr, nullptr, TRUE,
                       CREATE_NO_WINDOW | EXTENDED_STARTUPINFO_PRESENT, nullptr, nullptr,
                       &startup.StartupInfo, &process);
  ::DeleteProcThreadAttributeList(startup.lpAttributeList);
  if (!started) return {};
  ::CloseHandle(process.hThread);
  return KernelHandle(process.hProcess);
}

DWORD milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<DWORD>(left) : 0;
}

// Everything up to the end. False where that takes too long, or is too much.
bool read_all(HANDLE pipe, Clock::time_point deadline, std::size_t most, std::string& text) {
  std::array<char, 65'536> buffer;
  const KernelHandle done(::CreateEventW(nullptr, TRUE, FALSE, nullptr));
  for (;;) {
    OVERLAPPED reading{};
    reading.hEvent = done.get();
    DWORD count = 0;
    if (!::ReadFile(pipe, buffer.data(), static_cast<DWORD>(buffer.size()), nullptr, &reading) &&
        ::GetLastError() != ERROR_IO_PENDING)
      return ::GetLastError() == ERROR_BROKEN_PIPE;
    const bool in_time = ::WaitForSingleObject(done.get(), milliseconds_until(deadline)) == WAIT_OBJECT_0;
    if (!in_time) ::CancelIoEx(pipe, &reading);
    const bool read = ::GetOverlappedResult(pipe, &reading, &count, TRUE) != 0;
    if (!read) return in_time && ::GetLastError() == ERROR_BROKEN_PIPE;
    text.append(buffer.data(), count);
    if (!in_time || text.size() > most) return false;
  }
}

}  // namespace

std::optional<ProgramOutput> run_program(const std::vector<std::string>& words,
                                         std::chrono::milliseconds patience, std::size_t most) {
  const auto program = place_of(words.front());
  if (program.empty()) return {};
  const auto deadline = Clock::now() + patience;
  auto pipe = make_pipe();
  auto none = nowhere();
  if (!pipe.input || !none) return {};
  std::wstring line;
  for (const auto& word : words) append_quoted(line, wide(word));
  const auto process = start(program, std::move(line), pipe.input.get(), none.get());
  if (!process) return {};
  pipe.input = KernelHandle();  // the program alone has it now: its end is seen
  ProgramOutput done;
  bool whole = read_all(pipe.output.get(), deadline, most, done.text);
  if (whole) whole = ::WaitForSingleObject(process.get(), milliseconds_until(deadline)) == WAIT_OBJECT_0;
  if (!whole) {
    ::TerminateProcess(process.get(), 1);
    return {};
  }
  DWORD status = 0;
  ::GetExitCodeProcess(process.get(), &status);
  done.status = static_cast<int>(status);
  return done;
}

bool has_program(const std::string& name) { return !place_of(name).empty(); }

}  // namespace server
