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

#include "storage/archives/packed_stream.hpp"
#include "storage/archives/reader_answer.hpp"
#include "storage/archives/reader_apart.hpp"
#include "storage/archives/reader_job.hpp"
#include "storage/archives/reader_process.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/files/file.hpp"
#include "storage/files/sanitized.hpp"

namespace storage {
namespace {

constexpr int pipe_size = 1 << 20;  // so that both sides work at the same time

void check(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

// Where /proc is not mounted: as the program was called.
std::string own_program() {
  constexpr auto link = "/proc/self/exe";
  if (::access(link, X_OK) == 0) return link;
  const auto* const name = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return name != nullptr ? std::filesystem::absolute(name).string() : link;
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

// A process that reads one archive. It is ended with this.
class Reader {
 public:
  Reader(const std::vector<std::string>& command, const ReaderJob& job, const File& archive,
         std::chrono::milliseconds patience)
      : patience_(patience) {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC) == 0 ? 0 : errno, "cannot make a pipe");
    answer_ = Handle(ends[0]);
    const Handle answer(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    ::fcntl(ends[0], F_SETPIPE_SZ, pipe_size);  // what a user may have is bounded: a smaller one is slower
    std::vector<std::string> words = {"apdepot"};
    words.insert(words.end(), command.begin() + 1, command.end());
    for (auto& word : words_of(job)) words.push_back(std::move(word));
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::array<char*, 1> no_environment{};
    const SpawnSettings settings(archive.handle().get(), answer.get());
    const int error = ::posix_spawn(&process_, command.front().c_str(), settings.actions(),
                                    settings.attributes(), arguments.data(), no_environment.data());
    check(error, error == EAGAIN ? "cannot start the process that reads archives; allow this user more "
                                   "processes (TasksMax= of the service, or ulimit -u)"
                                 : "cannot start the process that reads archives");
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() {
    if (process_ > 0) end();
  }

  // Reads to the last frame.
  void answer_to(ReaderAnswer& answer) {
    std::vector<std::byte> bytes;
    for (;;) {
      FrameHeadBytes head_bytes{};
      if (!read(head_bytes)) reject_strange_reader(how_it_died());
      const auto head = parse_frame_head(head_bytes);
      if (!head) reject_strange_reader("says what means nothing");
      bytes.resize(head->size);
      if (!read(bytes)) reject_strange_reader(how_it_died());
      if (answer.take(head->kind, bytes)) return;
    }
  }

 private:
  // Fills it whole; false when the process has said its last.
  bool read(std::span<std::byte> into) {
    while (!into.empty()) {
      const auto got = ::read(answer_.get(), into.data(), into.size());
      if (got == 0) return false;
      if (got > 0) {
        into = into.subspan(static_cast<std::size_t>(got));
      } else if (errno == EAGAIN) {
        wait();
      } else if (errno != EINTR) {
        check(errno, "cannot hear the process that reads the archive");
      }
    }
    return true;
  }

  void wait() {
    pollfd watched{answer_.get(), POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(patience_.count())) == 0)
      throw Rejected(
          fmt::format("the process that reads the archive said nothing for {} s and was ended: the archive "
                      "is hostile, or the "
                      "disk did not answer; put it into drop/ or import it again if it was the disk",
                      std::chrono::duration_cast<std::chrono::seconds>(patience_).count()));
  }

  // Of a process that said its last without a last frame. It may only have closed the pipe.
  std::string how_it_died() {
    const int status = end();
    if (WIFEXITED(status)) return fmt::format("ended with status {}", WEXITSTATUS(status));
    const int signal = WTERMSIG(status);
    const char* const name = ::sigabbrev_np(signal);
    constexpr auto killed = ", as by a kernel that is short of memory";
    return fmt::format("was killed (SIG{}{})", name != nullptr ? name : std::to_string(signal),
                       signal == SIGKILL  ? killed
                       : signal == SIGSYS ? ", by its system call filter"
                                          : "");
  }

  // Leaves neither the process nor a zombie.
  int end() {
    int status = 0;
    const auto process = std::exchange(process_, 0);
    ::kill(process, SIGKILL);
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

  const std::chrono::milliseconds patience_;
  Handle answer_;
  pid_t process_ = 0;
};

}  // namespace

ReaderApart::ReaderApart(std::vector<std::string> command, std::chrono::milliseconds patience)
    : command_(std::move(command)), patience_(patience) {}

std::vector<std::string> ReaderApart::own_command() {
  return {own_program(), std::string(read_archive_word)};
}

BundleFormat ReaderApart::format_of(const File& file, const UnpackLimits& limits) const {
  if (const auto format = format_without_unpacking(file)) return *format;
  ReaderAnswer answer(limits);
  Reader(command_, {.limits = limits}, file, patience_).answer_to(answer);
  return answer.format();
}

void ReaderApart::unpack(const File& archive, BundleFormat format, const UnpackLimits& limits,
                         MemberSink& sink) const {
  if (!is_archive(format)) throw Rejected("the file is not an archive; was the right file downloaded?");
  ReaderAnswer answer(limits, &sink, archive.at_open().size);
  Reader(command_, {.unpack = format, .limits = limits}, archive, patience_).answer_to(answer);
}

}  // namespace storage
