#include "server/os/service_manager.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/environment_variable.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/os/child.hpp"

using namespace server;
using namespace std::chrono_literals;
using test::EnvironmentVariable;

namespace {

// What a service manager hears: a message, and the descriptors that came with it.
struct Heard {
  std::string text;
  std::vector<int> handles;
};

class Manager {
 public:
  // As NOTIFY_SOCKET names it: a path, or "@" and an abstract name.
  explicit Manager(const std::string& name) : handle_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(name.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.starts_with('@')) address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(handle_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() { ::close(handle_); }

  bool wait() const {
    pollfd wait{handle_, POLLIN, 0};
    return ::poll(&wait, 1, 10'000) == 1;
  }
  // The next message; nothing where none waits.
  std::optional<Heard> next() const {
    std::array<char, 4096> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control{};
    iovec vector{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto size = ::recvmsg(handle_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) return {};
    Heard heard{{text.data(), static_cast<std::size_t>(size)}, {}};
    for (auto* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_type != SCM_RIGHTS) continue;
      heard.handles.resize((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      std::memcpy(heard.handles.data(), CMSG_DATA(c), heard.handles.size() * sizeof(int));
    }
    return heard;
  }
  std::string text() const {
    const auto heard = next();
    return heard && heard->handles.empty() ? heard->text : "nothing, or descriptors";
  }

 private:
  int handle_;
};

int lowest_free_descriptor() {
  const int handle = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(handle);
  return handle;
}

bool is_same_file(int a, int b) {
  struct stat of_a {
  }, of_b{};
  return ::fstat(a, &of_a) == 0 && ::fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
         of_a.st_ino == of_b.st_ino;
}

// What hold_standard_streams() does where these are closed; empty where that is right.
std::string held(const std::vector<int>& closed) {
  return test::in_a_child([&closed] {
    const int spare = ::fcntl(::open("/dev/zero", O_RDWR), F_DUPFD, 100);
    for (int stream = 0; stream <= STDERR_FILENO; ++stream) ::dup2(spare, stream);
    const int free_before = lowest_free_descriptor();
    for (const int stream : closed) ::close(stream);
    hold_standard_streams();
    const int nowhere = ::open("/dev/null", O_RDWR);
    std::string faults;
    if (nowhere != free_before) faults += "another descriptor was opened or is missing; ";
    for (int stream = 0; stream <= STDERR_FILENO; ++stream) {
      const bool was_closed = std::find(closed.begin(), closed.end(), stream) != closed.end();
      if (!is_same_file(stream, was_closed ? nowhere : spare))
        faults += std::to_string(stream) + " is wrong; ";
      if (::write(stream, "x", 1) != 1) faults += std::to_string(stream) + " cannot be written; ";
    }
    return faults;
  });
}

}  // namespace

TEST_CASE("the service manager hears each state in its own words") {
  const test::TempDir dir;
  const auto path = (dir / "notify").string();
  const Manager manager(path);
  const EnvironmentVariable name("NOTIFY_SOCKET", path.c_str());
  CHECK(has_service_manager());
  tell_ready();
  CHECK(manager.text() == "READY=1\n");
  tell_status("3 transfers, 12 MB/s");
  CHECK(manager.text() == "STATUS=3 transfers, 12 MB/s\n");
  tell_alive();
  CHECK(manager.text() == "WATCHDOG=1\n");
  tell_stopping(90s);
  CHECK(manager.text() == "STOPPING=1\nEXTEND_TIMEOUT_USEC=90000000\n");
  drop_kept("tftp");
  CHECK(manager.text() == "FDSTOREREMOVE=1\nFDNAME=tftp\n");
  CHECK_FALSE(manager.next());
}

TEST_CASE("a reload has the time at which it began, by the clock of the manager") {
  const test::TempDir dir;
  const auto path = (dir / "notify").string();
  const Manager manager(path);
  const EnvironmentVariable name("NOTIFY_SOCKET", path.c_str());
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
  const auto before = now();
  tell_reloading();
  const auto after = now();
  const std::string head = "RELOADING=1\nMONOTONIC_USEC=";
  const auto text = manager.text();
  REQUIRE(text.starts_with(head));
  CHECK(text.back() == '\n');
  const auto told = std::stoll(text.substr(head.size()));
  CHECK(told >= before);
  CHECK(told <= after);
}

TEST_CASE("a manager is found by an abstract name, and by the longest path that there can be") {
  const test::TempDir dir;
  auto longest = (dir / "").string();
  longest.append(107 - longest.size(), 'n');
  for (const auto& name : {"@apdepot-test-" + std::to_string(::getpid()), longest}) {
    CAPTURE(name);
    const Manager manager(name);
    const EnvironmentVariable variable("NOTIFY_SOCKET", name.c_str());
    tell_ready();
    CHECK(manager.text() == "READY=1\n");
  }
}

TEST_CASE("without a manager, or with one that cannot be named or reached, nothing happens") {
  const test::TempDir dir;
  const int free_before = lowest_free_descriptor();
  const auto too_long = "/" + std::string(107, 'n');
  for (const char* const name : {static_cast<const char*>(nullptr), "", "relative", "tcp:1", too_long.c_str(),
                                 "/no/such/socket", "@apdepot-test-nobody"}) {
    const EnvironmentVariable variable("NOTIFY_SOCKET", name);
    tell_ready();
    keep_socket(STDOUT_FILENO, "tftp");
    wait_for_manager();
  }
  CHECK(lowest_free_descriptor() == free_before);
}

TEST_CASE("a manager that does not read costs no time and no descriptor") {
  const test::TempDir dir;
  const auto path = (dir / "notify").string();
  const Manager manager(path);
  const EnvironmentVariable name("NOTIFY_SOCKET", path.c_str());
  const int free_before = lowest_free_descriptor();
  for (int i = 0; i < 20'000; ++i) tell_alive();
  CHECK(lowest_free_descriptor() == free_before);
  int heard = 0;
  for (; manager.next(); ++heard) continue;
  CHECK(heard > 0);
  CHECK(heard < 20'000);
  tell_ready();
  CHECK(manager.text() == "READY=1\n");
}

TEST_CASE("a socket to be kept goes along with its name, and stays open here") {
  const test::TempDir dir;
  const auto path = (dir / "notify").string();
  const Manager manager(path);
  const EnvironmentVariable name("NOTIFY_SOCKET", path.c_str());
  const int kept = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  keep_socket(kept, "apdepot-tftp");
  const auto heard = manager.next();
  REQUIRE(heard);
  CHECK(heard->text == "FDSTORE=1\nFDNAME=apdepot-tftp\n");
  REQUIRE(heard->handles.size() == 1);
  CHECK(heard->handles.front() != kept);
  CHECK(is_same_file(heard->handles.front(), kept));
  ::close(heard->handles.front());
  ::close(kept);
}

TEST_CASE("the start waits until the manager has read what it was told before") {
  const test::TempDir dir;
  const auto path = (dir / "notify").string();
  const Manager manager(path);
  const EnvironmentVariable name("NOTIFY_SOCKET", path.c_str());
  std::atomic<bool> has_read = false;
  std::string first, barrier;
  std::thread reader([&] {
    if (!manager.wait()) return;
    first = manager.text();
    if (!manager.wait()) return;
    const auto heard = manager.next();
    barrier = heard->text;
    has_read = heard->handles.size() == 1;
    for (const int handle : heard->handles) ::close(handle);
  });
  tell_ready();
  const int free_before = lowest_free_descriptor();
  wait_for_manager();
  CHECK(has_read);
  reader.join();
  CHECK(first == "READY=1\n");
  CHECK(barrier == "BARRIER=1");
  CHECK(lowest_free_descriptor() == free_before);
}

TEST_CASE("the watchdog is the one that the environment sets for this process") {
  const auto own = std::to_string(::getpid());
  struct Case {
    const char *interval, *pid;
    std::optional<std::chrono::microseconds> expected;
  };
  for (const auto& each :
       {Case{"30000000", own.c_str(), 30s}, Case{"30000000", nullptr, 30s}, Case{"1", nullptr, 1us},
        Case{nullptr, own.c_str(), {}}, Case{"0", nullptr, {}}, Case{"", nullptr, {}}, Case{"x", nullptr, {}},
        Case{"-5", nullptr, {}}, Case{"99999999999999999999", nullptr, {}},
        Case{"18446744073709551615", nullptr, {}}, Case{"9223372036854775807", nullptr, {}},
        Case{"30000000", "1", {}}, Case{"30000000", "", {}}, Case{"30000000", "x", {}}}) {
    CAPTURE(each.interval ? each.interval : "none");
    CAPTURE(each.pid ? each.pid : "none");
    const EnvironmentVariable interval("WATCHDOG_USEC", each.interval), pid("WATCHDOG_PID", each.pid);
    CHECK(watchdog_interval() == each.expected);
  }
}

TEST_CASE("stderr is the journal where device and inode are those that the manager names") {
  struct stat status {};
  REQUIRE(::fstat(STDERR_FILENO, &status) == 0);
  const auto name = [](auto device, auto inode) {
    return std::to_string(device) + ":" + std::to_string(inode);
  };
  const auto is_journal = [](const char* stream) {
    const EnvironmentVariable variable("JOURNAL_STREAM", stream);
    return stderr_is_journal();
  };
  CHECK(is_journal(name(status.st_dev, status.st_ino).c_str()));
  CHECK_FALSE(is_journal(name(status.st_dev + 1, status.st_ino).c_str()));
  CHECK_FALSE(is_journal(name(status.st_dev, status.st_ino + 1).c_str()));
  for (const char* const stream : {static_cast<const char*>(nullptr), "", "x", ":", "8"})
    CHECK_FALSE(is_journal(stream));
}

TEST_CASE("closed standard streams lead nowhere, and open ones where they led") {
  for (const auto& closed : std::vector<std::vector<int>>{{}, {0}, {1}, {2}, {0, 2}, {1, 2}, {0, 1, 2}})
    CHECK(held(closed) == "");
}

TEST_CASE("a server's process is prepared for many clients, and shows its memory to nobody") {
  CHECK(test::in_a_child([] {
          rlimit files{}, core{};
          ::getrlimit(RLIMIT_NOFILE, &files);
          const auto most = files.rlim_max;
          files.rlim_cur = 250;
          ::setrlimit(RLIMIT_NOFILE, &files);
          prepare_process();
          std::string faults;
          ::getrlimit(RLIMIT_NOFILE, &files);
          if (files.rlim_cur != most || files.rlim_max != most) faults += "descriptors; ";
          ::getrlimit(RLIMIT_CORE, &core);
          if (core.rlim_cur != 0 || core.rlim_max != 0) faults += "core; ";
          if (::prctl(PR_GET_DUMPABLE) != 0) faults += "debuggers; ";
          if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) faults += "new rights; ";
          for (const int signal : {SIGPIPE, SIGIO, SIGXFSZ})
            if (::raise(signal) != 0) faults += "signals; ";
          return faults;
        }) == "");
}

TEST_CASE("only where the limit is this process's own, it is told how to raise it") {
  const auto own = no_descriptor_text(std::make_error_code(std::errc::too_many_files_open));
  CHECK(own.starts_with("Too many open files; "));
  CHECK(own.find("LimitNOFILE=") != own.npos);
  CHECK(no_descriptor_text(std::make_error_code(std::errc::too_many_files_open_in_system)) ==
        "Too many open files in system");
}
