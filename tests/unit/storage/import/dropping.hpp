#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "storage/import/dropped_file.hpp"
#include "tests/support/temp_dir.hpp"

namespace test {

using Names = std::set<std::string>;

inline std::string text_in(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline Names names_in(const std::filesystem::path& folder) {
  Names names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.insert(storage::utf8_of(entry.path().filename()));
  return names;
}

// A depot, and what is dropped there.
struct Dropping {
  TempDir dir;
  storage::Depot depot{dir.path()};

  storage::DroppedFile drop(const std::string& name, const std::string& content) {
    dir.write("drop/" + name, content);
    return {depot, name};
  }
  // As a copy program does it: the newer file is whole before it has the name.
  void rename_over(const std::string& name, const std::string& content) {
    std::filesystem::rename(dir.write("arriving", content), depot.drop() / name);
  }
  bool nothing_is_taken() const {
    return !std::filesystem::exists(depot.taken()) || std::filesystem::is_empty(depot.taken());
  }
};

}  // namespace test
