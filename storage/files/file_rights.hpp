#pragma once
#include <cstdint>
#include <filesystem>

#include "storage/files/file.hpp"

namespace storage {

// What this process may still do with files, whatever its user may: nothing, but for what is allowed below.
// For the process that enforces it and all that it starts, for good. Linux: Landlock.
class FileRights {
 public:
  enum class Right : std::uint8_t { read, write, execute };

  FileRights();            // throws std::system_error
  static bool known();     // false: this kernel has no Landlock, and everything stays as it is
  static bool can_move();  // true: what may be written in two folders may be moved between them (Linux 5.19)

  // `place` is a file, or a folder and all that is below it. `write` is everything but execution. Does
  // nothing where there is no such place. Throws std::system_error.
  void allow(const std::filesystem::path& place, Right right);
  // For the thread that calls, and the threads and processes that it starts from now on.
  void enforce();

 private:
  Handle rules_;
};

}  // namespace storage
