#include "tests/unit/storage/archives/bad_readers.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>

#include "storage/archives/confinement.hpp"
#include "storage/files/sanitized.hpp"

namespace test {
namespace {

constexpr std::uint64_t memory = 256 << 20;

// The exit status of what was tried when confined: 0 when the system did it, else what it said.
template <class Try>
int confined(Try attempt) {
  storage::confine_reader(memory);
  ::_exit(attempt() >= 0 ? 0 : errno);
}

int hungry() {
  storage::confine_reader(memory);
  auto* const bytes = new (std::nothrow) char[memory];
  ::_exit(bytes == nullptr ? ENOMEM : 0);
}

int executable_memory() {
  return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
                                                                                                        : 0;
}

}  // namespace

BadReaders bad_readers_of_system() {
  using storage::FrameKind;
  static char* const none[]{nullptr};
  return {
      {"dies", [] { return ::raise(SIGSEGV); }},
      {"is killed", [] { return ::raise(SIGKILL); }},
      {"sleeps",
       []() -> int {
         for (;;) ::pause();
       }},
      {"is not confined",
       [] {
         return say(FrameKind::unconfined, {"\x26\0\0\0", 4});
       }},
      {"cannot read",
       [] {
         return say(FrameKind::failed, {"\x05\0\0\0", 4});
       }},
      {"signals",
       [] {
         return ::raise(SIGTERM) == 0 ? say(FrameKind::format, {"\x04", 1}) : 1;
       }},
      {"knows descriptors",
       [] {
         for (int fd = 3; fd < 1024; ++fd)
           if (::fcntl(fd, F_GETFD) != -1) return say(FrameKind::rejected, "it has another descriptor");
         return say(FrameKind::format, {"\x04", 1});
       }},
      {"knows the caller",
       [] {
         std::array<char, 2> folder{};
         const bool knows_folder = ::getcwd(folder.data(), folder.size()) == nullptr || folder[0] != '/';
         const bool knows_terminal = ::fcntl(STDERR_FILENO, F_GETFD) != -1 && !storage::sanitized;
         if (::getsid(0) != ::getpid() || knows_folder || knows_terminal)
           return say(storage::FrameKind::rejected, "it has something of the caller's");
         return say(storage::FrameKind::format, {"\x04", 1});
       }},
      {"reads",
       [] {
         return confined([] {
           char byte;
           return ::pread(STDIN_FILENO, &byte, 1, 0);
         });
       }},
      {"opens", [] { return confined([] { return ::open("/etc/passwd", O_RDONLY); }); }},
      {"opens below", [] { return confined([] { return ::openat(STDIN_FILENO, ".", O_RDONLY); }); }},
      {"makes", [] { return confined([] { return ::open("/tmp/made", O_WRONLY | O_CREAT, 0600); }); }},
      {"examines",
       [] {
         struct stat s;
         return confined([&s] { return ::stat("/etc", &s); });
       }},
      {"unlinks", [] { return confined([] { return ::unlink("/tmp/made"); }); }},
      {"connects", [] { return confined([] { return ::socket(AF_INET, SOCK_STREAM, 0); }); }},
      {"forks", [] { return confined([] { return static_cast<int>(::fork()); }); }},
      {"executes", [] { return confined([] { return ::execve("/bin/true", none, none); }); }},
      {"traces", [] { return confined([] { return static_cast<int>(::ptrace(PTRACE_TRACEME, 0, 0, 0)); }); }},
      {"looks into others",
       [] {
         return confined([] { return static_cast<int>(::process_vm_readv(1, nullptr, 0, nullptr, 0, 0)); });
       }},
      {"kills", [] { return confined([] { return ::kill(1, 0); }); }},
      {"takes more",
       [] {
         return confined([] {
           const rlimit most{RLIM_INFINITY, RLIM_INFINITY};
           return ::setrlimit(RLIMIT_FSIZE, &most);
         });
       }},
      {"maps code", [] { return confined(executable_memory); }},
      {"eats", hungry},
  };
}

}  // namespace test
