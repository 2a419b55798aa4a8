#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

#include "storage/files/file.hpp"

namespace storage {

// A file that is there and gets more bytes at its end, over as many openings as it takes. One thread at a
// time; all may wait for the disk, and throw std::system_error with the path.
class GrowingFile {
 public:
  explicit GrowingFile(std::filesystem::path path);  // never through a link, and a regular file alone
  std::uint64_t size() const;
  // Where it fails, what was written of `bytes` stays.
  void append(std::span<const std::byte> bytes);
  void sync();  // returns when the bytes are on the disk

 private:
  std::filesystem::path path_;
  Handle handle_;
};

}  // namespace storage
