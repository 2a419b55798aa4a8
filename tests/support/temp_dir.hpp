#pragma once
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

#include "storage/files/path_text.hpp"

namespace test {

// A directory that goes away with the test.
class TempDir {
 public:
  TempDir() {
    const auto place = std::filesystem::temp_directory_path();
    std::random_device random;
    do {
      path_ = place / ("apdepot-test-" + std::to_string(random()));
    } while (!std::filesystem::create_directory(path_));
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / storage::path_of(name); }

  std::filesystem::path write(std::string_view name, std::string_view content) const {
    const auto file = *this / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace test
