#pragma once
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace storage {

class File;

// A process that reads one archive (reader_process.hpp), as the system starts, hears and ends one. It has the
// archive and its end of the pipe, no other handle of ours, and no environment; it is ended with this, and
// with the process that started it. One thread; any, in a process with threads.
class StartedReader {
 public:
  // `command` is a program with its first arguments, and `job` what follows them. Throws std::system_error.
  StartedReader(const std::vector<std::string>& command, const std::vector<std::string>& job,
                const File& archive, std::chrono::milliseconds patience);
  StartedReader(const StartedReader&) = delete;
  StartedReader& operator=(const StartedReader&) = delete;
  ~StartedReader();

  // Fills it whole with what the process says; false when it has said its last. Throws Rejected where it says
  // nothing for `patience`, and std::system_error.
  bool read(std::span<std::byte> into);
  // Of a process that said its last without a last frame: what follows "the process".
  std::string how_it_died();

 private:
  struct Process;
  std::unique_ptr<Process> process_;
};

// The program that this process runs, as StartedReader takes it.
std::string own_program();

// Why read() gives up.
[[noreturn]] void reject_silent_reader(std::chrono::milliseconds patience);

}  // namespace storage
