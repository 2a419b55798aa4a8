#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include "server/os/program.hpp"
#include "storage/files/file.hpp"

namespace server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array folders{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"};
constexpr std::chrono::milliseconds pause(2);

// Empty where there is no such program.
std::string place_of(const std::string& name) {
  for (const auto* folder : folders) {
    auto place = folder + name;
    if (::access(place.c_str(), X_OK) == 0) return place;
  }
  return {};
}

// The process; 0 where it could not be started.
pid_t start(const std::string& program, const std::vector<std::string>& words, int output) {
  auto copies = words;
  std::vector<char*> arguments;
  for (auto& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", language = "LC_ALL=C";
  std::array<char*, 3> environment{path.data(), language.data(), nullptr};
  posix_spawn_file_actions_t actions{};
  if (::posix_spawn_file_actions_init(&actions) != 0) return 0;
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  pid_t process = 0;
  const int error =
      ::posix_spawn(&process, program.c_str(), &actions, nullptr, arguments.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? process : 0;
}

// Everything up to the end. False where that takes too long, or is too much.
bool read_all(int handle, Clock::time_point deadline, std::size_t most, std::string& text) {
  std::array<char, 65'536> buffer;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd wait{handle, POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&wait, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const auto count = ::read(handle, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    if (count == 0) return true;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > most) return false;
  }
}

// A program may close its output and live on. False where that takes too long.
bool await_end(pid_t process, Clock::time_point deadline) {
  siginfo_t ended{};
  while (::waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace

std::optional<ProgramOutput> run_program(const std::vector<std::string>& words,
                                         std::chrono::milliseconds patience, std::size_t most) {
  const auto program = place_of(words.front());
  std::array<int, 2> ends{};
  if (program.empty() || ::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const storage::Handle output(ends[0]);
  storage::Handle input(ends[1]);
  const auto process = start(program, words, input.get());
  if (process == 0) return {};
  input = storage::Handle();  // the program alone has it now: its end is seen
  ProgramOutput done;
  const auto deadline = Clock::now() + patience;
  const bool whole = read_all(output.get(), deadline, most, done.text) && await_end(process, deadline);
  if (!whole) ::kill(process, SIGKILL);
  int status = 0;
  while (::waitpid(process, &status, 0) < 0)
    if (errno != EINTR) return {};
  if (!whole) return {};
  done.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return done;
}

bool has_program(const std::string& name) { return !place_of(name).empty(); }

}  // namespace server
