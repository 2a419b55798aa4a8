#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "storage/archives/archive.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/staged_members.hpp"
#include "storage/files/plain_file.hpp"
#include "tests/support/temp_dir.hpp"

namespace test {

// Unpacks archives into a folder of its own, within limits that a test may change.
struct Unpacking {
  TempDir dir;
  std::filesystem::path target = dir / "target";
  storage::UnpackLimits limits;
  Unpacking() { empty(); }

  void empty() {
    std::filesystem::remove_all(target);
    std::filesystem::create_directory(target);
  }
  std::vector<storage::Member> unpack(const std::string& archive) {
    return unpack_file(dir.write("bundle", archive));
  }
  std::vector<storage::Member> unpack_file(const std::filesystem::path& file) {
    const auto opened = storage::open_plain_file(file);
    storage::StagedMembers staged(target);
    storage::unpack(opened, storage::format_of(opened, limits), limits, staged);
    return staged.finish().members;
  }
  // The reason, or "" when it was unpacked after all.
  std::string rejection(const std::string& archive) {
    try {
      unpack(archive);
      return "";
    } catch (const storage::Rejected& rejected) {
      return rejected.what();
    }
  }
};

inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace test
