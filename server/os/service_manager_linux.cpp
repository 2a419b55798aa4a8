#include "server/os/service_manager.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace server {
namespace {

// sd_notify(3)'s protocol: a datagram to the socket that NOTIFY_SOCKET names; "@" stands for an abstract
// name's NUL. libsystemd's own function waits while the manager's socket is full; the loop must not.
void notify(std::string_view state, int handle = -1) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!name || (name[0] != '/' && name[0] != '@') || std::strlen(name) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name, std::strlen(name));
  if (name[0] == '@') address.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  iovec vector{const_cast<char*>(state.data()), state.size()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof handle)> control{};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(name));
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (handle >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof handle);
    std::memcpy(CMSG_DATA(header), &handle, sizeof handle);
  }
  // A lost message is the manager's to notice: it has time limits of its own.
  [[maybe_unused]] const auto sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(fd);
}

constexpr int manager_patience = 5000;  // milliseconds
// Timers count nanoseconds: what they cannot count, nobody waits for.
constexpr auto longest_interval =
    std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::nanoseconds::max());

std::uint64_t number_of(const char* text) {
  std::uint64_t number = 0;
  if (text) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

std::uint64_t monotonic_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
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
  // A program that it starts, its own reader of archives, can get no right that it has not itself.
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // What a password hash takes (16 MiB) goes back to the system. By itself glibc would keep it in an arena a
  // thread.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
  // One arena for the workers together: a thread that cannot get one of its own, because memory is short,
  // would have none even after others gave theirs back.
  ::mallopt(M_ARENA_MAX, 2);
  // But not what the next piece of a download takes again at once: the page faults were a tenth of its CPU.
  ::mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

std::string no_descriptor_text(std::error_code error) {
  if (error != std::errc::too_many_files_open) return error.message();
  return error.message() +
         "; clients need three each: raise LimitNOFILE= of the systemd service, or `ulimit -Hn` of the shell";
}

void give_memory_back() { ::malloc_trim(0); }

bool has_service_manager() { return std::getenv("NOTIFY_SOCKET") != nullptr; }

void tell_ready() { notify("READY=1\n"); }

void tell_reloading() { notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n", monotonic_microseconds())); }

void tell_stopping(std::chrono::seconds at_most) {
  notify(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}\n", std::chrono::microseconds(at_most).count()));
}

void tell_status(std::string_view text) { notify(fmt::format("STATUS={}\n", text)); }

void tell_alive() { notify("WATCHDOG=1\n"); }

// sd_watchdog_enabled(3): WATCHDOG_PID names the process that is meant.
std::optional<std::chrono::microseconds> watchdog_interval() {
  const auto interval = number_of(std::getenv("WATCHDOG_USEC"));
  const char* const pid = std::getenv("WATCHDOG_PID");
  if (interval == 0 || (pid && number_of(pid) != static_cast<std::uint64_t>(::getpid()))) return {};
  if (interval > static_cast<std::uint64_t>(longest_interval.count())) return {};
  return std::chrono::microseconds(interval);
}

void keep_socket(std::intptr_t handle, const std::string& name) {
  notify(fmt::format("FDSTORE=1\nFDNAME={}\n", name), static_cast<int>(handle));
}

void drop_kept(const std::string& name) { notify(fmt::format("FDSTOREREMOVE=1\nFDNAME={}\n", name)); }

// sd_notify_barrier(3): the manager closes the other end of the pipe.
void wait_for_manager() {
  std::array<int, 2> ends{};
  if (!has_service_manager() || ::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  notify("BARRIER=1", ends[1]);
  ::close(ends[1]);
  pollfd closed{ends[0], 0, 0};
  ::poll(&closed, 1, manager_patience);
  ::close(ends[0]);
}

// systemd.exec(5): JOURNAL_STREAM holds the device and inode of the stream that leads to the journal.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  unsigned long device = 0, inode = 0;
  return stream && std::sscanf(stream, "%lu:%lu", &device, &inode) == 2 &&
         ::fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

bool host_log_beside_file() { return false; }

void leave_at_once() { std::_Exit(0); }

}  // namespace server
