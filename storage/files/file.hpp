#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

namespace storage {

template <class T>
using Result = std::expected<T, std::error_code>;

// What an entry of a folder is. "other" is a FIFO, a socket or a device: those are never opened.
enum class Kind : std::uint8_t { file, directory, link, other };

// Two that are equal belong to one file, with the same bytes as far as the system tells.
struct FileVersion {
  std::uint64_t device = 0, number = 0, size = 0;
  std::int64_t changed = 0;  // nanoseconds since 1970
  auto operator<=>(const FileVersion&) const = default;
};

// The times that a client may set.
struct Times {
  std::int64_t accessed = 0, modified = 0;  // seconds since 1970, UTC
};

// What the file system tells of an entry.
struct Attributes {
  Kind kind = Kind::other;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;  // with the file type's bits, as POSIX and SFTP have them
  std::uint32_t uid = 0, gid = 0, links = 1;
  std::int64_t accessed = 0, modified = 0;  // seconds since 1970, UTC
  FileVersion version;
};

// How the system numbers what is open: by a descriptor, or on Windows by a HANDLE, which is as wide as a
// pointer. -1 is none for both.
using NativeHandle =
    std::conditional_t<std::filesystem::path::preferred_separator == '/', int, std::intptr_t>;

// Owns a handle of the operating system.
class Handle {
 public:
  Handle() = default;
  explicit Handle(NativeHandle native) : native_(native) {}
  Handle(Handle&& other) noexcept : native_(std::exchange(other.native_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(native_, other.native_);
    return *this;
  }
  ~Handle();
  NativeHandle get() const { return native_; }
  explicit operator bool() const { return native_ >= 0; }

 private:
  NativeHandle native_ = -1;
};

// A regular file, open for reading. Any thread may read; the offset is the caller's. Reads go through the
// system's read calls and never through a map, because a mapped file that is cut short kills its reader.
class File {
 public:
  using Pieces = std::span<const std::span<std::byte>>;  // filled one after the other

  File(Handle handle, const Attributes& at_open) : handle_(std::move(handle)), attributes_(at_open) {}

  const Attributes& at_open() const { return attributes_; }
  const Handle& handle() const { return handle_; }  // to give it to another process
  Result<Attributes> attributes() const;            // as they are now

  // May wait for the disk: not for the loop. Fewer bytes than asked mean the file's end.
  Result<std::size_t> read(Pieces pieces, std::uint64_t offset) const;
  // Never waits. Gives what memory holds, perhaps fewer bytes than asked; errc::operation_would_block when
  // the disk would have to be asked (Linux: RWF_NOWAIT), and always on Windows and on a file system that
  // cannot tell.
  Result<std::size_t> read_cached(Pieces pieces, std::uint64_t offset) const;
  // Whether memory holds these bytes, so that the system may be told to send them without waiting for the
  // disk. Copies nothing, and never waits. Where the kernel cannot count them (Linux before 6.5, or a file
  // of another user), one byte of every 64 KiB stands for the others.
  bool is_cached(std::uint64_t offset, std::uint64_t size) const;

 private:
  Handle handle_;
  Attributes attributes_;
};

}  // namespace storage
