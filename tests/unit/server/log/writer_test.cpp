#include "server/log/writer.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "conf/log.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
namespace fs = std::filesystem;

namespace {

conf::Log settings(const fs::path& file, std::uint64_t max_size) {
  conf::Log log;
  log.destination.target = conf::LogTarget::file;
  log.destination.file = file;
  log.max_size = max_size;
  return log;
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line.substr(line.find(' ') + 1));
  return lines;
}

// A datagram socket in the place of /dev/log or the journal's.
class Daemon {
 public:
  explicit Daemon(const fs::path& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Daemon() { ::close(fd_); }
  std::string receive() const {
    std::string buffer(1 << 16, '\0');
    const auto count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    REQUIRE(count >= 0);
    buffer.resize(static_cast<std::size_t>(count));
    return buffer;
  }

 private:
  int fd_;
};

conf::Log to(conf::LogTarget target) {
  conf::Log log;
  log.destination.target = target;
  log.max_size = 1 << 20;
  return log;
}

// Standard error in a file, as long as it lives.
class CaughtErrors {
 public:
  explicit CaughtErrors(const fs::path& file) : file_(file), old_(::dup(STDERR_FILENO)) {
    const int fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ::dup2(fd, STDERR_FILENO);
    ::close(fd);
  }
  ~CaughtErrors() {
    ::dup2(old_, STDERR_FILENO);
    ::close(old_);
  }
  std::string text() const {
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  fs::path file_;
  int old_;
};

// The whole lines of a log, and those that it says were dropped.
long accounted_for(std::string_view read) {
  constexpr std::string_view dropped = " log lines were dropped";
  auto count = static_cast<long>(std::ranges::count(read, '\n'));
  for (auto at = read.find(dropped); at != read.npos; at = read.find(dropped, at + 1)) {
    const auto begin = read.rfind(' ', at - 1) + 1;
    count += std::stol(std::string(read.substr(begin, at - begin))) - 1;
  }
  return count;
}

void write_lines(LogWriter& writer, int first, int last) {
  for (int i = first; i < last; ++i) writer.write(Severity::info, fmt::format("line {:04}", i));
}

}  // namespace

TEST_CASE("a file that is full becomes FILE.1, and no line is lost or cut") {
  const test::TempDir dir;
  const auto file = dir.path() / "log";
  {
    LogWriter writer(settings(file, 2000));  // 35 bytes a line: 57 lines
    write_lines(writer, 0, 100);
  }
  auto lines = lines_of(dir.path() / "log.1");
  CHECK(lines.size() == 57);
  for (auto& line : lines_of(file)) lines.push_back(line);
  REQUIRE(lines.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(lines[static_cast<std::size_t>(i)] == fmt::format("line {:04}", i));
  LogWriter(settings(file, 2000)).write(Severity::info, "what a next start says");
  CHECK(lines_of(file).back() == "what a next start says");
  CHECK(fs::file_size(dir.path() / "log.1") <= 2000);
}

TEST_CASE("a file behind a link is turned over where it lies") {
  const test::TempDir dir;
  fs::create_directory(dir.path() / "disk");
  fs::create_symlink(dir.path() / "disk/log", dir.path() / "log");
  {
    LogWriter writer(settings(dir.path() / "log", 2000));
    write_lines(writer, 0, 100);
  }
  CHECK(fs::is_symlink(dir.path() / "log"));
  CHECK(lines_of(dir.path() / "disk/log").size() == 43);
  CHECK(lines_of(dir.path() / "disk/log.1").size() == 57);
}

TEST_CASE(
    "a file that cannot be turned over says so once, grows to twice its size, and counts what is lost") {
  const test::TempDir dir;
  const auto file = dir.path() / "log";
  fs::create_directories(dir.path() / "log.1/in the way");
  LogWriter writer(settings(file, 2000));
  write_lines(writer, 0, 500);
  REQUIRE(writer.close(std::chrono::minutes(1)));
  CHECK(fs::file_size(file) <= 4000);
  auto lines = lines_of(file);
  CHECK(std::ranges::count_if(lines, [](const auto& line) {
          return line.find("log has reached log.max_size and cannot become") != line.npos;
        }) == 1);
  CHECK(std::ranges::count_if(lines, [](const auto& line) { return line.starts_with("line "); }) > 57);
  CHECK(lines.size() < 118);
}

TEST_CASE("what was dropped is counted when there is room again") {
  const test::TempDir dir;
  const auto file = dir.path() / "log";
  fs::create_directories(dir.path() / "log.1/in the way");
  std::size_t kept = 0;
  {
    LogWriter writer(settings(file, 2000));
    write_lines(writer, 0, 200);
    const auto has = [&](std::string_view text) {
      const auto lines = lines_of(file);
      return std::ranges::any_of(lines, [&](const auto& line) { return line.find(text) != line.npos; });
    };
    while (!has("cannot become")) std::this_thread::yield();
    // logrotate's copytruncate, once nothing fits any more.
    while (fs::file_size(file) + 35 <= 4000) std::this_thread::yield();
    for (const auto& line : lines_of(file)) kept += line.starts_with("line ") ? 1 : 0;
    fs::resize_file(file, 0);
    writer.write(Severity::info, "line 0200");
    while (!has("were dropped")) std::this_thread::yield();
  }
  std::size_t again = 0, dropped = 0;
  for (const auto& line : lines_of(file)) {
    if (line.starts_with("line ")) ++again;
    if (line.find("were dropped: ") != line.npos) dropped += std::stoul(line.substr(line.find(' ')));
  }
  CHECK(kept + again + dropped == 201);
}

TEST_CASE("a pipe that nobody reads holds nobody up, and tells what was dropped") {
  const test::TempDir dir;
  const auto file = dir.path() / "pipe";
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  LogWriter writer(settings(file, 1 << 20));
  constexpr int lines = 20'000;
  for (int i = 0; i < lines; ++i) writer.write(Severity::info, std::string(1000, 'x'));
  CHECK_FALSE(writer.close(std::chrono::milliseconds(10)));
  const int reader = ::open(file.c_str(), O_RDONLY);
  REQUIRE(reader >= 0);
  // How often it is told depends on when the thread came to it.
  std::string read, buffer(1 << 16, '\0');
  long accounted = 0;
  bool told = false;
  while (accounted < lines) {
    const auto count = ::read(reader, buffer.data(), buffer.size());
    REQUIRE(count > 0);
    read.append(buffer, 0, static_cast<std::size_t>(count));
    const auto whole_lines = read.substr(0, read.rfind('\n') + 1);
    read.erase(0, whole_lines.size());
    accounted += accounted_for(whole_lines);
    told |= whole_lines.find("were dropped: whoever reads the log is too slow\n") != whole_lines.npos;
  }
  ::close(reader);
  CHECK(accounted == lines);
  CHECK(told);
  CHECK(fs::is_fifo(file));
}

TEST_CASE("the journal gets each line as a record with its fields") {
  const test::TempDir dir;
  const Daemon journal(dir.path() / "socket");
  LogWriter writer(to(conf::LogTarget::journal), {dir.path() / "socket", dir.path() / "none"});
  REQUIRE(writer.takes_fields());
  writer.write(Severity::warning, "in.tftpd[7]: miss", {{"CLIENT", "192.0.2.7"}});
  CHECK(journal.receive() ==
        "MESSAGE=miss\nPRIORITY=4\nSYSLOG_IDENTIFIER=in.tftpd\nSYSLOG_PID=7\nCLIENT=192.0.2.7\n");
}

TEST_CASE("syslog gets each line under its own tag") {
  const test::TempDir dir;
  const Daemon syslog(dir.path() / "log");
  LogWriter writer(to(conf::LogTarget::syslog), {dir.path() / "none", dir.path() / "log"});
  CHECK_FALSE(writer.takes_fields());
  writer.write(Severity::info, "sshd[7]: Accepted");
  const auto record = syslog.receive();
  CHECK(record.starts_with("<38>"));
  CHECK(record.ends_with(" sshd[7]: Accepted"));
}

TEST_CASE("a daemon that hangs holds nobody up, and is told what was dropped") {
  const test::TempDir dir;
  const Daemon syslog(dir.path() / "log");
  LogWriter writer(to(conf::LogTarget::syslog), {dir.path() / "none", dir.path() / "log"});
  constexpr int lines = 20'000;
  for (int i = 0; i < lines; ++i) writer.write(Severity::info, "apdepot: " + std::string(1000, 'x'));
  CHECK_FALSE(writer.close(std::chrono::milliseconds(10)));
  long accounted = 0;
  bool told = false;
  while (accounted < lines) {
    const auto record = syslog.receive();
    accounted += accounted_for(record + "\n");
    told |= record.ends_with("were dropped: whoever reads the log is too slow");
  }
  CHECK(accounted == lines);
  CHECK(told);
}

TEST_CASE("a daemon that comes later, or again, gets what follows and the number that it missed") {
  const test::TempDir dir;
  const CaughtErrors errors(dir.path() / "stderr");
  LogWriter writer(to(conf::LogTarget::syslog), {dir.path() / "none", dir.path() / "log"});
  CHECK(errors.text().find("nobody takes the log at " + (dir.path() / "log").string()) != std::string::npos);
  writer.write(Severity::info, "apdepot: lost");
  const Daemon syslog(dir.path() / "log");
  std::string told;
  while (told.find("1 log lines were dropped: ") == told.npos) {
    writer.write(Severity::info, "apdepot: again");
    const auto record = syslog.receive();
    if (record.ends_with("apdepot: lost")) break;  // the writer came to it after the daemon
    told += record;
  }
  fs::remove(dir.path() / "log");
  const Daemon second(dir.path() / "log");
  writer.write(Severity::info, "apdepot: to the second");
  while (!second.receive().ends_with("to the second")) {
  }
}
