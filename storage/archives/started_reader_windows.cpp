#include "storage/archives/started_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "storage/archives/reader_process.hpp"
#include "storage/archives/reader_token_windows.hpp"
#include "storage/files/file.hpp"
#include "storage/files/nt_windows.hpp"
#include "storage/files/path_text.hpp"

namespace storage {
namespace {

constexpr DWORD pipe_size = 1 << 20;      // so that both sides work at the same time
constexpr DWORD rundown = 5000;           // ms from the last word of a process to its end
constexpr UINT ended_by_us = 0xE0000001;  // the status of a process that had to be ended

void check(BOOL done, const char* what) {
  if (!done) throw std::system_error(last_error(), what);
}

// Of the calls that say null for none.
Handle owned_or_throw(HANDLE handle, const char* what) {
  check(handle != nullptr && handle != INVALID_HANDLE_VALUE, what);
  return owned(handle);
}

struct Pipe {
  Handle ours, its;  // asynchronous, so that waiting has an end; and the end that it inherits
};

// An anonymous pipe cannot be waited for. Nobody else can have this one: it is ours before it has a reader,
// it takes one client, and that is us.
Pipe make_pipe() {
  static std::atomic<unsigned> number = 0;
  const auto name = widen(fmt::format("\\\\.\\pipe\\apdepot-reader-{}-{}-{}", ::GetCurrentProcessId(),
                                      ::GetTickCount64(), ++number));
  Pipe pipe;
  pipe.ours = owned_or_throw(
      ::CreateNamedPipeW(name.c_str(),
                         PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                         PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, 0,
                         pipe_size, 0, nullptr),
      "cannot make a pipe");
  SECURITY_ATTRIBUTES inherited{sizeof inherited, nullptr, TRUE};
  pipe.its = owned_or_throw(::CreateFileW(name.c_str(), GENERIC_WRITE, 0, &inherited, OPEN_EXISTING,
                                          SECURITY_SQOS_PRESENT, nullptr),
                            "cannot make a pipe");
  return pipe;
}

// The archive for the process: to read, and nothing else.
Handle inheritable(const Handle& archive) {
  HANDLE made = nullptr;
  check(::DuplicateHandle(::GetCurrentProcess(), native(archive), ::GetCurrentProcess(), &made,
                          FILE_GENERIC_READ, TRUE, 0),
        "cannot give the archive to the process that reads it");
  return owned(made);
}

// The process goes with this handle, and so with the process that has it.
Handle make_job() {
  auto job = owned_or_throw(::CreateJobObjectW(nullptr, nullptr), "cannot make a job");
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
  limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE |
                                            JOB_OBJECT_LIMIT_ACTIVE_PROCESS |
                                            JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
  limits.BasicLimitInformation.ActiveProcessLimit = 1;
  check(::SetInformationJobObject(native(job), JobObjectExtendedLimitInformation, &limits, sizeof limits),
        "cannot limit a job");
  return job;
}

// As CommandLineToArgvW and the C library take it apart: backslashes count only before a quote.
std::wstring argument(std::wstring_view word) {
  std::wstring text = L"\"";
  std::size_t backslashes = 0;
  for (const wchar_t c : word) {
    if (c == L'"') text.append(backslashes + 1, L'\\');
    backslashes = c == L'\\' ? backslashes + 1 : 0;
    text += c;
  }
  text.append(backslashes, L'\\');
  return text + L'"';
}

std::wstring command_line(const std::vector<std::string>& command, const std::vector<std::string>& job) {
  std::wstring line = L"apdepot";
  for (std::size_t i = 1; i < command.size(); ++i) line += L" " + argument(widen(command[i]));
  for (const auto& word : job) line += L" " + argument(widen(word));
  return line;
}

// The system's libraries look for their folder there; nothing else of ours is any business of the process.
std::wstring environment() {
  std::array<wchar_t, MAX_PATH> folder{};
  const auto size = ::GetSystemWindowsDirectoryW(folder.data(), MAX_PATH);
  std::wstring block = L"SystemRoot=";
  block.append(folder.data(), std::min<std::size_t>(size, folder.size()));
  block.append(2, L'\0');
  return block;
}

// What CreateProcess is told beside the usual: that these two handles are inherited and no other one that
// another thread makes inheritable meanwhile, and how the process is hardened from its first instruction on.
class StartSettings {
 public:
  StartSettings(HANDLE archive, HANDLE answer) : handles_{archive, answer} {
    SIZE_T size = 0;
    ::InitializeProcThreadAttributeList(nullptr, count, 0, &size);
    bytes_.resize(size);
    check(::InitializeProcThreadAttributeList(list(), count, 0, &size), "cannot start a process");
    const bool set =
        ::UpdateProcThreadAttribute(list(), 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles_.data(),
                                    handles_.size() * sizeof(HANDLE), nullptr, nullptr) &&
        ::UpdateProcThreadAttribute(list(), 0, PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY, &hardened_,
                                    sizeof hardened_, nullptr, nullptr);
    const auto error = last_error();
    if (!set) {
      ::DeleteProcThreadAttributeList(list());
      throw std::system_error(error, "cannot start a process");
    }
    startup_.StartupInfo.cb = sizeof startup_;
    startup_.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    startup_.StartupInfo.hStdInput = archive;
    startup_.StartupInfo.hStdOutput = answer;
    startup_.lpAttributeList = list();
  }
  StartSettings(const StartSettings&) = delete;
  StartSettings& operator=(const StartSettings&) = delete;
  ~StartSettings() { ::DeleteProcThreadAttributeList(list()); }
  STARTUPINFOW* get() { return &startup_.StartupInfo; }

 private:
  LPPROC_THREAD_ATTRIBUTE_LIST list() {
    return reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(bytes_.data());
  }

  static constexpr DWORD count = 2;
  std::vector<std::byte> bytes_;
  std::array<HANDLE, 2> handles_;
  DWORD64 hardened_ = PROCESS_CREATION_MITIGATION_POLICY_HEAP_TERMINATE_ALWAYS_ON |
                      PROCESS_CREATION_MITIGATION_POLICY_BOTTOM_UP_ASLR_ALWAYS_ON |
                      PROCESS_CREATION_MITIGATION_POLICY_STRICT_HANDLE_CHECKS_ALWAYS_ON |
                      PROCESS_CREATION_MITIGATION_POLICY_EXTENSION_POINT_DISABLE_ALWAYS_ON;
  STARTUPINFOEXW startup_{};
};

struct Started {
  Handle job, process;
};

// Without tokens the process begins with all our rights.
Started start(const std::vector<std::string>& command, const std::vector<std::string>& job, HANDLE archive,
              HANDLE answer, const ReaderTokens* tokens) {
  constexpr auto what = "cannot start the process that reads archives";
  constexpr DWORD flags =
      CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | DETACHED_PROCESS | EXTENDED_STARTUPINFO_PRESENT;
  const auto program = path_of(command.front()).make_preferred().wstring();
  auto line = command_line(command, job), variables = environment();
  StartSettings settings(archive, answer);
  Started started{make_job(), {}};
  PROCESS_INFORMATION made{};
  const auto begun =
      tokens ? ::CreateProcessAsUserW(native(tokens->process), program.c_str(), line.data(), nullptr, nullptr,
                                      TRUE, flags, variables.data(), nullptr, settings.get(), &made)
             : ::CreateProcessW(program.c_str(), line.data(), nullptr, nullptr, TRUE, flags, variables.data(),
                                nullptr, settings.get(), &made);
  check(begun, what);
  started.process = owned(made.hProcess);
  const Handle thread = owned(made.hThread);
  HANDLE first = made.hThread;
  const bool ready = ::AssignProcessToJobObject(native(started.job), made.hProcess) &&
                     (!tokens || ::SetThreadToken(&first, native(tokens->first_thread))) &&
                     ::ResumeThread(made.hThread) != static_cast<DWORD>(-1);
  if (ready) return started;
  const auto error = last_error();
  ::TerminateProcess(made.hProcess, ended_by_us);
  throw std::system_error(error, what);
}

// Whether a process with these tokens comes as far as our own code: it complains there of its arguments, with
// status 2. It is asked once, and not by an archive, which could have the worse answer given.
bool starts_with(const ReaderTokens& tokens) try {
  const auto pipe = make_pipe();
  const auto archive = owned_or_throw(::CreateEventW(nullptr, TRUE, FALSE, nullptr), "cannot make an event");
  ::SetHandleInformation(native(archive), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
  const auto started =
      start({own_program(), std::string(read_archive_word)}, {}, native(archive), native(pipe.its), &tokens);
  constexpr DWORD most = 30'000;
  DWORD status = 0;
  return ::WaitForSingleObject(native(started.process), most) == WAIT_OBJECT_0 &&
         ::GetExitCodeProcess(native(started.process), &status) && status == 2;
} catch (const std::system_error&) {
  return false;
}

// Nothing where this host lets no process begin with them (a policy, a guard program): then confine_reader()
// takes from the process what a process can give up itself.
const ReaderTokens* reader_tokens() {
  static const auto tokens = []() -> std::unique_ptr<ReaderTokens> {
    try {
      auto made = std::make_unique<ReaderTokens>(make_reader_tokens());
      if (starts_with(*made)) return made;
    } catch (const std::system_error&) {
    }
    return nullptr;
  }();
  return tokens.get();
}

std::string fault_text(DWORD status) {
  constexpr std::array<std::pair<DWORD, const char*>, 8> known{{{0xC0000005, "access violation"},
                                                                {0xC0000017, "no memory"},
                                                                {0xC000001D, "illegal instruction"},
                                                                {0xC00000FD, "stack overflow"},
                                                                {0xC000012D, "no memory"},
                                                                {0xC0000374, "heap corruption"},
                                                                {0xC0000409, "fast fail"},
                                                                {0xC0000420, "assertion failure"}}};
  const auto found = std::ranges::find(known, status, &std::pair<DWORD, const char*>::first);
  return fmt::format("0x{:08X}{}{}", status, found == known.end() ? "" : ", ",
                     found == known.end() ? "" : found->second);
}

}  // namespace

struct StartedReader::Process {
  std::chrono::milliseconds patience;
  Handle answer, heard;  // `heard`: an event
  Started started;

  Process(const std::vector<std::string>& command, const std::vector<std::string>& job, const File& archive,
          std::chrono::milliseconds most_silent)
      : patience(most_silent) {
    heard = owned_or_throw(::CreateEventW(nullptr, TRUE, FALSE, nullptr), "cannot make an event");
    auto pipe = make_pipe();
    answer = std::move(pipe.ours);
    const auto given = inheritable(archive.handle());
    started = start(command, job, native(given), native(pipe.its), reader_tokens());
  }
};

StartedReader::StartedReader(const std::vector<std::string>& command, const std::vector<std::string>& job,
                             const File& archive, std::chrono::milliseconds patience)
    : process_(std::make_unique<Process>(command, job, archive, patience)) {}

// The process is gone when this returns, as its archive may be removed then.
StartedReader::~StartedReader() {
  ::TerminateProcess(native(process_->started.process), ended_by_us);
  ::WaitForSingleObject(native(process_->started.process), rundown);
}

bool StartedReader::read(std::span<std::byte> into) {
  const auto pipe = native(process_->answer);
  while (!into.empty()) {
    OVERLAPPED asked{};
    asked.hEvent = native(process_->heard);
    const auto size = static_cast<DWORD>(std::min<std::size_t>(into.size(), pipe_size));
    DWORD error = ::ReadFile(pipe, into.data(), size, nullptr, &asked) ? ERROR_SUCCESS : ::GetLastError();
    const bool silent =
        error == ERROR_IO_PENDING &&
        ::WaitForSingleObject(asked.hEvent, static_cast<DWORD>(process_->patience.count())) == WAIT_TIMEOUT;
    if (silent) ::CancelIoEx(pipe, &asked);
    DWORD got = 0;
    // Waits for a cancelled one, too: until then the system may write to `into`.
    if (error == ERROR_SUCCESS || error == ERROR_IO_PENDING)
      error = ::GetOverlappedResult(pipe, &asked, &got, TRUE) ? ERROR_SUCCESS : ::GetLastError();
    if (error != ERROR_SUCCESS && silent) reject_silent_reader(process_->patience);
    if (error == ERROR_BROKEN_PIPE || (error == ERROR_SUCCESS && got == 0)) return false;
    if (error != ERROR_SUCCESS)
      throw std::system_error(error_of(error), "cannot hear the process that reads the archive");
    into = into.subspan(got);
  }
  return true;
}

// It may only have closed the pipe.
std::string StartedReader::how_it_died() {
  const auto process = native(process_->started.process);
  if (::WaitForSingleObject(process, rundown) == WAIT_TIMEOUT) ::TerminateProcess(process, ended_by_us);
  ::WaitForSingleObject(process, rundown);
  DWORD status = 0;
  ::GetExitCodeProcess(process, &status);
  constexpr DWORD first_fault = 0xC0000000;
  return status < first_fault ? fmt::format("ended with status {}", status)
                              : fmt::format("was killed ({})", fault_text(status));
}

std::string own_program() {
  std::wstring name(MAX_PATH, L'\0');
  for (;;) {
    const auto size = ::GetModuleFileNameW(nullptr, name.data(), static_cast<DWORD>(name.size()));
    check(size > 0, "cannot find our own program");
    if (size < name.size()) return utf8_of(std::filesystem::path(name.substr(0, size)));
    name.resize(name.size() * 2);
  }
}

}  // namespace storage
