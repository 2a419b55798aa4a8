#pragma once
#include <chrono>
#include <filesystem>

#include "storage/files/plain_file.hpp"

namespace test {

// As if a file had been written to and kept its size. Where the system counts its time in ticks, this takes
// until the next one.
inline void change_times_of(const std::filesystem::path& file) {
  const auto changed = [&file] { return storage::open_plain_file(file).at_open().version.changed; };
  const auto before = changed();
  const auto modified = std::filesystem::last_write_time(file) - std::chrono::hours(1);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  do std::filesystem::last_write_time(file, modified);
  while (changed() == before && std::chrono::steady_clock::now() < end);
}

}  // namespace test
