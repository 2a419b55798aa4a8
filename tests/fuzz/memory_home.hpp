#pragma once
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace fuzz {

// A directory in memory, for as long as the harness runs.
class MemoryHome {
 public:
  MemoryHome() {
    std::string name = "/dev/shm/apdepot-fuzz-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  MemoryHome(const MemoryHome&) = delete;
  MemoryHome& operator=(const MemoryHome&) = delete;
  ~MemoryHome() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void empty(const std::filesystem::path& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    std::filesystem::remove_all(entry.path());
}

inline std::size_t entries_below(const std::filesystem::path& directory) {
  const std::filesystem::recursive_directory_iterator entries(directory);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace fuzz
