#include <fmt/format.h>
#include <link.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

#include <array>
#include <cerrno>
#include <memory>
#include <new>
#include <set>
#include <system_error>
#include <type_traits>

#include "server/os/confinement.hpp"
#include "storage/files/file_rights.hpp"
#include "storage/files/sanitized.hpp"

namespace server {
namespace fs = std::filesystem;
namespace {

using Right = storage::FileRights::Right;

using storage::sanitized;

// By names, because some kernels and processors have not all of them: what libseccomp does not know cannot be
// called by what was built with it.
constexpr std::array allowed{
    // memory and threads
    "brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "mlock", "mlock2", "munlock", "msync",
    "futex", "futex_time64", "set_robust_list", "get_robust_list", "set_tid_address", "rseq", "membarrier",
    "arch_prctl", "sched_yield", "sched_getaffinity", "getcpu", "getrandom", "exit", "exit_group",
    "restart_syscall",
    // time
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "clock_nanosleep",
    "clock_nanosleep_time64", "nanosleep", "gettimeofday", "time", "times", "timerfd_create",
    "timerfd_settime", "timerfd_settime64", "timerfd_gettime", "timerfd_gettime64",
    // signals
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "rt_sigpending", "rt_sigtimedwait",
    "rt_sigsuspend", "sigaltstack", "kill", "tgkill", "tkill", "pause",
    // who it is, and its limits
    "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getuid32", "geteuid32",
    "getgid32", "getegid32", "getresuid", "getresgid", "getresuid32", "getresgid32", "getgroups",
    "getgroups32", "getpgrp", "getpgid", "getsid", "getrlimit", "ugetrlimit", "setrlimit", "prlimit64",
    "getrusage", "getpriority", "setpriority", "ioprio_get", "ioprio_set", "sysinfo", "uname", "umask",
    "capget", "prctl",
    // descriptors
    "read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2",
    "lseek", "_llseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "fcntl64", "pipe", "pipe2",
    "eventfd2", "poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64",
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "sendfile",
    "sendfile64", "splice", "copy_file_range", "readahead", "fadvise64", "fadvise64_64", "arm_fadvise64_64",
    // files
    "open", "openat", "openat2", "creat", "stat", "stat64", "lstat", "lstat64", "fstat", "fstat64",
    "newfstatat", "fstatat64", "statx", "statfs", "statfs64", "fstatfs", "fstatfs64", "access", "faccessat",
    "faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "chdir", "fchdir", "rename",
    "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "symlink",
    "symlinkat", "chmod", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat", "truncate",
    "truncate64", "ftruncate", "ftruncate64", "fallocate", "utime", "utimes", "utimensat", "utimensat_time64",
    "flock", "fsync", "fdatasync", "syncfs", "sync_file_range", "getxattr", "lgetxattr", "fgetxattr",
    "setxattr", "lsetxattr", "fsetxattr", "listxattr", "llistxattr", "flistxattr", "removexattr",
    "lremovexattr", "fremovexattr", "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch",
    // sockets
    "socketpair", "bind", "listen", "accept", "accept4", "connect", "getsockname", "getpeername",
    "getsockopt", "setsockopt", "shutdown", "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom",
    "recvmsg", "recvmmsg", "recvmmsg_time64",
    // the process that reads archives: it is started, confines itself further, and is waited for
    "execve", "vfork", "fork", "setsid", "wait4", "waitid", "waitpid", "seccomp", "landlock_create_ruleset",
    "landlock_add_rule", "landlock_restrict_self"};

// cachestat, by its number, which is the same on each processor: libseccomp before 2.6 does not know its
// name.
constexpr int cachestat_call = 451;

// LeakSanitizer stops all threads and looks at them.
constexpr std::array of_sanitizers{"ptrace", "process_vm_readv", "personality"};

constexpr std::array socket_families{AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

// None types into a terminal or changes a device.
constexpr std::array<unsigned, 10> requests{FIONBIO,      FIONREAD,    FIOCLEX,      TCGETS,      TIOCGWINSZ,
                                            SIOCGIFINDEX, SIOCGIFNAME, SIOCGIFFLAGS, SIOCGIFCONF, SIOCOUTQ};

constexpr unsigned long namespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

void check(int result) {
  if (result != 0) throw std::system_error(-result, std::generic_category());
}

class Filter {
 public:
  Filter() : rules_(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), ::seccomp_release) {
    if (!rules_) throw std::bad_alloc();
  }
  void allow(const char* name) {
    const int call = ::seccomp_syscall_resolve_name(name);
    if (call != __NR_SCMP_ERROR) allow(call);
  }
  void allow(int call) { check(::seccomp_rule_add(rules_.get(), SCMP_ACT_ALLOW, call, 0)); }
  void allow(int call, const scmp_arg_cmp& where) {
    check(::seccomp_rule_add(rules_.get(), SCMP_ACT_ALLOW, call, 1, where));
  }
  void enter() {
    ::seccomp_attr_set(rules_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree of comparisons, not a list
    // Kernels before 5.16 would slow the process down against a leak that concerns programs that run several
    // users' code.
    ::seccomp_attr_set(rules_.get(), SCMP_FLTATR_CTL_SSB, 1);
    check(::seccomp_load(rules_.get()));
  }

 private:
  std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, decltype(&::seccomp_release)> rules_;
};

void filter_calls() {
  Filter filter;
  for (const auto* name : allowed) filter.allow(name);
  filter.allow(cachestat_call);
  if (sanitized)
    for (const auto* name : of_sanitizers) filter.allow(name);
  for (const auto family : socket_families)
    filter.allow(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family), 0));
  for (const auto request : requests)
    filter.allow(SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, request));
  // clone3's flags cannot be seen: glibc takes clone where it is missing.
  filter.allow(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces, 0));
  filter.enter();
}

// The folders that this program's libraries are in, and will be in after an upgrade.
std::set<fs::path> folders_of_libraries() {
  std::set<fs::path> folders;
  const auto note = [](dl_phdr_info* object, std::size_t, void* found) {
    const fs::path file = object->dlpi_name != nullptr ? object->dlpi_name : "";
    std::error_code ignored;
    if (!file.is_absolute()) return 0;
    auto& all = *static_cast<std::set<fs::path>*>(found);
    all.insert(file.parent_path());
    all.insert(fs::weakly_canonical(file, ignored).parent_path());
    return 0;
  };
  ::dl_iterate_phdr(note, &folders);
  return folders;
}

void restrict_files(const UsedPlaces& places) {
  storage::FileRights rights;
  for (const auto& place : places.written) rights.allow(place, Right::write);
  for (const auto& place : places.read) rights.allow(place, Right::read);
  // Accounts, names, time zones, and who holds a port.
  for (const auto* place : {"/etc", "/proc", "/sys/fs/cgroup", "/usr/share/zoneinfo", "/run/systemd/userdb",
                            "/var/lib/sss", "/dev/urandom"})
    rights.allow(place, Right::read);
  rights.allow("/dev/null", Right::write);
  rights.allow("/proc/self/exe", Right::execute);
  for (const auto& folder : folders_of_libraries()) rights.allow(folder, Right::execute);  // with ld.so
  rights.enforce();
}

}  // namespace

Confinement confine(const UsedPlaces& places) {
  Confinement confinement;
  auto& missing = confinement.missing;
  try {
    if (storage::FileRights::can_move()) {
      restrict_files(places);
      confinement.files = true;
    } else {
      missing.emplace_back(
          "the server may use every file that its user may: Landlock is missing, which Linux has from 5.19 "
          "on "
          "(CONFIG_SECURITY_LANDLOCK, and lsm= of the kernel's command line)");
    }
  } catch (const std::system_error& e) {
    missing.push_back(fmt::format("the server may use every file that its user may: {}", e.what()));
  }
  try {
    filter_calls();
  } catch (const std::system_error& e) {
    missing.push_back(fmt::format("the server may make every system call: a seccomp filter is refused ({})",
                                  e.code().message()));
  }
  return confinement;
}

}  // namespace server
