#include "server/os/confinement.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>

#include "storage/files/file_rights.hpp"
#include "storage/files/sanitized.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;

namespace {

using storage::sanitized;
const bool has_landlock = storage::FileRights::can_move();

constexpr int broken = 200;

// What a process of its own gets when it is confined: 0 for what is done, else the system's error.
template <class Try>
int confined(const server::UsedPlaces& places, Try attempt) {
  const auto process = ::fork();
  REQUIRE(process >= 0);
  if (process == 0) {
    const auto confinement = server::confine(places);
    if (confinement.files != has_landlock || confinement.missing.size() != (has_landlock ? 0 : 1))
      ::_exit(broken);
    ::_exit(attempt() >= 0 ? 0 : errno);
  }
  int status = 0;
  REQUIRE(::waitpid(process, &status, 0) == process);
  return WIFEXITED(status) ? WEXITSTATUS(status) : broken;
}

template <class... Arguments>
int called(long number, Arguments... arguments) {
  return confined({}, [=] { return ::syscall(number, arguments...); });
}

int opened(const server::UsedPlaces& places, const fs::path& file, int flags) {
  return confined(places, [&] { return ::open(file.c_str(), flags, 0600); });
}

}  // namespace

TEST_CASE("a confined server has a filter of system calls, and threads that begin later have it too") {
  CHECK(confined({}, [] {
          int failed = -1;
          std::thread([&failed] {
            std::ifstream status("/proc/thread-self/status");
            for (std::string line; std::getline(status, line);)
              if (line == "Seccomp:\t2") failed = 0;
          }).join();
          return failed;
        }) == 0);
}

TEST_CASE("a confined server cannot make calls that it has no need for") {
  constexpr auto none = static_cast<char*>(nullptr);
  CHECK(called(SYS_mount, none, none, none, 0UL, none) == ENOSYS);
  CHECK(called(SYS_umount2, none, 0) == ENOSYS);
  CHECK(called(SYS_pivot_root, none, none) == ENOSYS);
  CHECK(called(SYS_chroot, none) == ENOSYS);
  CHECK(called(SYS_unshare, 0) == ENOSYS);
  CHECK(called(SYS_setns, -1, 0) == ENOSYS);
  CHECK(called(SYS_clone3, none, 0UL) == ENOSYS);
  CHECK(called(SYS_clone, CLONE_NEWUSER | SIGCHLD, none, none, none, 0UL) == ENOSYS);
  CHECK(called(SYS_bpf, 0, none, 0U) == ENOSYS);
  CHECK(called(SYS_perf_event_open, none, 0, 0, 0, 0UL) == ENOSYS);
  CHECK(called(SYS_userfaultfd, 0) == ENOSYS);
  CHECK(called(SYS_io_uring_setup, 0U, none) == ENOSYS);
  CHECK(called(SYS_memfd_create, "x", 0U) == ENOSYS);
  CHECK(called(SYS_execveat, -1, none, none, none, 0) == ENOSYS);
  CHECK(called(SYS_keyctl, 0, 0UL, 0UL, 0UL, 0UL) == ENOSYS);
  CHECK(called(SYS_add_key, none, none, none, 0UL, 0) == ENOSYS);
  CHECK(called(SYS_init_module, none, 0UL, none) == ENOSYS);
  CHECK(called(SYS_kexec_load, 0UL, 0UL, none, 0UL) == ENOSYS);
  CHECK(called(SYS_reboot, 0, 0, 0, none) == ENOSYS);
  CHECK(called(SYS_open_by_handle_at, -1, none, 0) == ENOSYS);
  CHECK(called(SYS_setuid, 0) == ENOSYS);
  CHECK(called(SYS_capset, none, none) == ENOSYS);
  CHECK(called(SYS_settimeofday, none, none) == ENOSYS);
  CHECK(called(SYS_mknodat, -1, none, 0, 0UL) == ENOSYS);
  CHECK(called(SYS_ioctl, 0, TIOCSTI, none) == ENOSYS);
  CHECK(called(SYS_socket, AF_PACKET, SOCK_RAW, 0) == ENOSYS);
  CHECK(called(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0) == ENOSYS);
  CHECK(called(SYS_socket, AF_INET6, SOCK_STREAM, 0) == 0);
}

TEST_CASE("a confined server looks into no other process" * doctest::skip(sanitized)) {
  CHECK(called(SYS_ptrace, 0L, 0L, 0L, 0L) == ENOSYS);
  CHECK(called(SYS_process_vm_readv, 1, nullptr, 0UL, nullptr, 0UL, 0UL) == ENOSYS);
}

TEST_CASE("a confined server writes in its places and reads beside them" * doctest::skip(!has_landlock)) {
  test::TempDir dir;
  const auto inside = dir.write("depot/image", "x"), config = dir.write("conf/apdepot.yaml", "x"),
             secret = dir.write("secret", "x");
  const server::UsedPlaces places{{dir / "depot"}, {dir / "conf"}};
  CHECK(opened(places, inside, O_RDWR) == 0);
  CHECK(opened(places, dir / "depot/new", O_WRONLY | O_CREAT) == 0);
  CHECK(opened(places, config, O_RDONLY) == 0);
  CHECK(opened(places, "/etc/passwd", O_RDONLY) == 0);
  CHECK(opened(places, "/dev/null", O_RDWR) == 0);
  CHECK(opened(places, config, O_RDWR) == EACCES);
  CHECK(opened(places, dir / "conf/new", O_WRONLY | O_CREAT) == EACCES);
  CHECK(opened(places, secret, O_RDONLY) == EACCES);
  CHECK(opened(places, dir / "depot/../secret", O_RDONLY) == EACCES);
  CHECK(confined(places, [&] { return ::unlink(secret.c_str()); }) == EACCES);
  CHECK(confined(places, [&] { return ::truncate(secret.c_str(), 0); }) == EACCES);
  CHECK(fs::file_size(secret) == 1);
}

TEST_CASE("a confined server moves files between its folders, and none out of them" *
          doctest::skip(!has_landlock)) {
  test::TempDir dir;
  const auto from = dir.write("depot/state/image", "x");
  fs::create_directories(dir / "depot/images");
  const server::UsedPlaces places{{dir / "depot"}, {}};
  const auto moved_to = [&](const fs::path& to) {
    return confined(places, [&] { return ::rename(from.c_str(), to.c_str()); });
  };
  CHECK(moved_to(dir / "image") != 0);
  CHECK(moved_to(dir / "depot/images/image") == 0);
}

TEST_CASE("a confined server starts no other program" * doctest::skip(!has_landlock)) {
  char* const none[]{nullptr};
  CHECK(confined({}, [&] { return ::execve("/bin/sh", none, none); }) == EACCES);
}
