#include "server/os/service_manager.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace server {
namespace {

// sd_notify(3)'s protocol: a datagram to the socket that NOTIFY_SOCKET names; "@" stands for an abstract
// name's NUL.
void notify(std::string_view state) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!name || (name[0] != '/' && name[0] != '@') || std::strlen(name) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name, std::strlen(name));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(name));
  if (name[0] == '@') address.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  // Whether the manager heard it is the manager's affair: it has a timeout of its own.
  [[maybe_unused]] const auto sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                                              reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
}

}  // namespace

void hold_standard_streams() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) ::close(fd);
}

void prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGIO, SIG_IGN);    // storage asks for leases
  std::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is an error of the one who writes
  // A transfer takes three descriptors, an SSH session three: a thousand access points need more than the
  // usual 1024.
  if (rlimit limit{}; ::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  // No core, no debugger: memory holds host keys and, for a moment, passwords.
  constexpr rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  // A program that it starts could get no right that it has not itself. It starts none.
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // What a password hash takes (16 MiB) goes back to the system. By itself glibc would keep it in an arena a
  // thread.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
  // But not what the next piece of a download takes again at once: the page faults were a tenth of its CPU.
  ::mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

std::string no_descriptor_text(std::error_code error) {
  if (error != std::errc::too_many_files_open) return error.message();
  return error.message() +
         "; clients need three each: raise LimitNOFILE= of the systemd service, or `ulimit -Hn` of the shell";
}

void give_memory_back() { ::malloc_trim(0); }

void tell_ready() { notify("READY=1\n"); }
void tell_stopping() { notify("STOPPING=1\n"); }

// systemd.exec(5): JOURNAL_STREAM holds the device and inode of the stream that leads to the journal.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  unsigned long device = 0, inode = 0;
  return stream && std::sscanf(stream, "%lu:%lu", &device, &inode) == 2 &&
         ::fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

}  // namespace server
