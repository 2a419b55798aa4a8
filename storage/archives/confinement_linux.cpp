#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <new>
#include <system_error>
#include <type_traits>

#include "storage/archives/confinement.hpp"
#include "storage/files/file_rights.hpp"
#include "storage/files/sanitized.hpp"

namespace storage {
namespace {

using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, decltype(&::seccomp_release)>;

void check(int result, const char* what) {
  if (result != 0) throw std::system_error(-result, std::generic_category(), what);
}

void check_call(int result, const char* what) {
  if (result != 0) throw std::system_error(errno, std::generic_category(), what);
}

constexpr std::array needed{SCMP_SYS(read),
                            SCMP_SYS(readv),
                            SCMP_SYS(pread64),
                            SCMP_SYS(preadv),
                            SCMP_SYS(preadv2),
                            SCMP_SYS(write),
                            SCMP_SYS(writev),
                            SCMP_SYS(brk),
                            SCMP_SYS(munmap),
                            SCMP_SYS(mremap),
                            SCMP_SYS(madvise),
                            SCMP_SYS(futex),
                            SCMP_SYS(exit),
                            SCMP_SYS(exit_group),
                            SCMP_SYS(rt_sigreturn),
                            SCMP_SYS(rt_sigprocmask),
                            SCMP_SYS(restart_syscall),
                            SCMP_SYS(clock_gettime),
                            SCMP_SYS(gettimeofday),
                            SCMP_SYS(getrandom),
                            SCMP_SYS(fstat),
                            SCMP_SYS(close)};

// Only with PROT_EXEC these do harm.
constexpr std::array mapping{SCMP_SYS(mmap), SCMP_SYS(mprotect)};

constexpr std::array by_path{SCMP_SYS(open),      SCMP_SYS(openat),     SCMP_SYS(openat2),   SCMP_SYS(stat),
                             SCMP_SYS(lstat),     SCMP_SYS(newfstatat), SCMP_SYS(statx),     SCMP_SYS(access),
                             SCMP_SYS(faccessat), SCMP_SYS(readlink),   SCMP_SYS(readlinkat)};

// The sanitizers' own: they look through a pipe, for instance, whether an address can be read.
constexpr std::array of_sanitizers{SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(getpid),
                                   SCMP_SYS(gettid),      SCMP_SYS(sched_yield),  SCMP_SYS(prctl),
                                   SCMP_SYS(getrlimit),   SCMP_SYS(prlimit64),    SCMP_SYS(lseek),
                                   SCMP_SYS(pipe),        SCMP_SYS(pipe2)};

void allow(const Filter& filter, int call) {
  check(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0), "seccomp refuses a rule");
}

void enter_filter() {
  const Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS), ::seccomp_release);
  if (!filter) throw std::bad_alloc();
  for (const int call : needed) allow(filter, call);
  for (const int call : mapping)
    check(
        ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)),
        "seccomp refuses a rule");
  for (const int call : by_path)
    check(::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EACCES), call, 0), "seccomp refuses a rule");
  if (sanitized)
    for (const int call : of_sanitizers) allow(filter, call);
  // Kernels before 5.16 would slow the process down against a leak that concerns programs that run several
  // users' code.
  ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_SSB, 1);
  check(::seccomp_load(filter.get()), "the seccomp filter cannot be entered");
}

void limit(__rlimit_resource resource, rlim_t most) {
  rlimit now{};
  check_call(::getrlimit(resource, &now), "a limit cannot be read");
  most = std::min(most, now.rlim_max);
  const rlimit both{most, most};
  check_call(::setrlimit(resource, &both), "a limit cannot be set");
}

}  // namespace

const char* const unconfined_advice =
    "archives are not read, because the process that reads them cannot give up its rights (seccomp); "
    "allow it the system calls seccomp and prctl, or use a kernel with CONFIG_SECCOMP_FILTER";

void confine_reader(std::uint64_t memory) {
  check_call(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "the end of the parent cannot be heeded");
  check_call(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "cores cannot be forbidden");
  check_call(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "further rights cannot be refused");
  if (FileRights::known()) FileRights().enforce();
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  if (!sanitized) {
    ::close(STDERR_FILENO);  // what a hostile archive makes it say is for nobody's terminal
    limit(RLIMIT_AS, memory);
    limit(RLIMIT_NOFILE, 0);
  }
  enter_filter();
}

}  // namespace storage
