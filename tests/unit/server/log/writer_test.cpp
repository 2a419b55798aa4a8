#include "server/log/writer.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

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
  // What was dropped is told once or twice: the writer may have taken a first part by then.
  std::FILE* const stream = ::fdopen(reader, "r");
  std::array<char, 2000> buffer{};
  long told = 0, dropped = 0;
  while (told + dropped < lines) {
    REQUIRE(std::fgets(buffer.data(), buffer.size(), stream) != nullptr);
    const std::string line(buffer.data());
    const auto place = line.find(" log lines were dropped: whoever reads the log is too slow\n");
    if (place == line.npos) {
      ++told;
    } else {
      const auto begin = line.rfind(' ', place - 1) + 1;
      dropped += std::stol(line.substr(begin, place - begin));
    }
  }
  std::fclose(stream);
  CHECK(told + dropped == lines);
  CHECK(dropped > 0);
  CHECK(fs::is_fifo(file));
}
