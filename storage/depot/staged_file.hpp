#pragma once
#include <filesystem>
#include <span>
#include <string_view>

#include "storage/files/file.hpp"

namespace storage {

// The file in which an upload grows, until a rename publishes it. One thread at a time; every call may wait
// for the disk: for a worker. Errors are those of the system.
class StagedFile {
 public:
  // A new file that all may read once it is published. `sender` is recorded with it (sender.hpp), where the
  // file system can do that.
  static Result<StagedFile> make(const std::filesystem::path& path, std::string_view sender);

  std::error_code write(std::span<const std::byte> bytes, std::uint64_t offset);
  Result<std::size_t> read(std::span<std::byte> into, std::uint64_t offset) const;  // fewer bytes at the end
  std::error_code resize(std::uint64_t size);
  std::error_code sync();
  std::error_code set_times(const Times& times);
  Result<Attributes> attributes() const;

 private:
  explicit StagedFile(Handle handle) : handle_(std::move(handle)) {}
  Handle handle_;
};

}  // namespace storage
