#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "storage/archives/started_reader.hpp"
#include "storage/files/file.hpp"
#include "storage/files/sanitized.hpp"

namespace storage {
namespace {

constexpr int pipe_size = 1 << 20;  // so that both sides work at the same time

void check(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

// What posix_spawn(3) does to the new process before it begins.
class SpawnSettings {
 public:
  SpawnSettings(int archive, int answer) {
    check(::posix_spawn_file_actions_init(&actions_), "cannot start a process");
    check(::posix_spawnattr_init(&attributes_), "cannot start a process");
    ::posix_spawn_file_actions_adddup2(&actions_, archive, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, answer, STDOUT_FILENO);
    // Until it is confined, whoever has its user's id may attach to it: the owner of a depot in which root
    // imports. So it keeps nothing of the caller's: no terminal, through which he would type into root's
    // shell, and no folder, which may lie below one that is closed to him.
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, sanitized ? STDERR_FILENO + 1 : STDERR_FILENO);
    ::posix_spawn_file_actions_addchdir_np(&actions_, "/");
    // Signals that a terminal or a service manager sends to a whole group are for the parent, which ends the
    // reader: else a server that stops would take the reader's death for the archive's fault.
    sigset_t all, blocked;
    ::sigfillset(&all);
    blocked = all;
    for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGPIPE})
      ::sigdelset(&blocked, fault);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &blocked);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

struct StartedReader::Process {
  std::chrono::milliseconds patience;
  Handle answer;
  pid_t id = 0;

  Process(const std::vector<std::string>& command, const std::vector<std::string>& job, const File& archive,
          std::chrono::milliseconds most_silent)
      : patience(most_silent) {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC) == 0 ? 0 : errno, "cannot make a pipe");
    answer = Handle(ends[0]);
    const Handle its_end(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    ::fcntl(ends[0], F_SETPIPE_SZ, pipe_size);  // what a user may have is bounded: a smaller one is slower
    std::vector<std::string> words = {"apdepot"};
    words.insert(words.end(), command.begin() + 1, command.end());
    words.insert(words.end(), job.begin(), job.end());
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::array<char*, 1> no_environment{};
    const SpawnSettings settings(archive.handle().get(), its_end.get());
    const int error = ::posix_spawn(&id, command.front().c_str(), settings.actions(), settings.attributes(),
                                    arguments.data(), no_environment.data());
    check(error, error == EAGAIN ? "cannot start the process that reads archives; allow this user more "
                                   "processes (TasksMax= of the service, or ulimit -u)"
                                 : "cannot start the process that reads archives");
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (id > 0) end();
  }

  void wait() const {
    pollfd watched{answer.get(), POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(patience.count())) == 0) reject_silent_reader(patience);
  }

  // Leaves neither the process nor a zombie.
  int end() {
    int status = 0;
    const auto process = std::exchange(id, 0);
    ::kill(process, SIGKILL);
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }
};

StartedReader::StartedReader(const std::vector<std::string>& command, const std::vector<std::string>& job,
                             const File& archive, std::chrono::milliseconds patience)
    : process_(std::make_unique<Process>(command, job, archive, patience)) {}

StartedReader::~StartedReader() = default;

bool StartedReader::read(std::span<std::byte> into) {
  while (!into.empty()) {
    const auto got = ::read(process_->answer.get(), into.data(), into.size());
    if (got == 0) return false;
    if (got > 0) {
      into = into.subspan(static_cast<std::size_t>(got));
    } else if (errno == EAGAIN) {
      process_->wait();
    } else if (errno != EINTR) {
      check(errno, "cannot hear the process that reads the archive");
    }
  }
  return true;
}

// It may only have closed the pipe.
std::string StartedReader::how_it_died() {
  const int status = process_->end();
  if (WIFEXITED(status)) return fmt::format("ended with status {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char* const name = ::sigabbrev_np(signal);
  constexpr auto killed = ", as by a kernel that is short of memory";
  return fmt::format("was killed (SIG{}{})", name != nullptr ? name : std::to_string(signal),
                     signal == SIGKILL  ? killed
                     : signal == SIGSYS ? ", by its system call filter"
                                        : "");
}

// Where /proc is not mounted: as the program was called.
std::string own_program() {
  constexpr auto link = "/proc/self/exe";
  if (::access(link, X_OK) == 0) return link;
  const auto* const name = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return name != nullptr ? std::filesystem::absolute(name).string() : link;
}

}  // namespace storage
