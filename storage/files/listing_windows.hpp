#pragma once
#include <array>

#include "storage/files/file_windows.hpp"

namespace storage {

// What lies in an open folder, read piecewise into a buffer of the caller's. Allocates nothing. One thread;
// waits for the disk.
class Listing {
 public:
  struct Entry {
    std::wstring_view name;  // until the next one is asked for
    RawAttributes raw;
  };

  // The longest entry fits into the smallest buffer.
  static constexpr std::size_t smallest = 1024;

  // `folder` is open with FILE_LIST_DIRECTORY, and is asked by nobody else meanwhile.
  Listing(HANDLE folder, std::span<std::uint64_t> buffer);
  // Without "." and ".."; nothing at the end, and where `error` is set.
  std::optional<Entry> next(std::error_code& error) noexcept;

 private:
  HANDLE folder_;
  std::span<std::uint64_t> buffer_;
  std::uint64_t device_;
  const std::byte* next_ = nullptr;
  bool begun_ = false;
};

}  // namespace storage
