#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "storage/files/file.hpp"
#include "storage/files/path.hpp"

namespace storage {

// One entry of a folder.
struct Entry {
  std::string name;
  Attributes attributes;  // of the entry itself: a link is a link
};

// An open directory, read in portions. One thread at a time.
class Directory {
 public:
  // Where `pointers` is true, one (pointer.hpp) is shown as the link that it stands for.
  explicit Directory(void* stream, bool pointers = false) : stream_(stream), pointers_(pointers) {}
  Directory(Directory&& other) noexcept
      : stream_(std::exchange(other.stream_, nullptr)), pointers_(other.pointers_) {}
  Directory& operator=(Directory&& other) noexcept {
    std::swap(stream_, other.stream_);
    std::swap(pointers_, other.pointers_);
    return *this;
  }
  ~Directory();
  // At most `count` entries without "." and ".."; none at the end.
  Result<std::vector<Entry>> read(std::size_t count);

  NativeHandle native() const;  // for this room only: the system's handle

 private:
  void* stream_;  // DIR* on Linux, the reader of root_windows.cpp on Windows
  bool pointers_;
};

// Of a file system, in bytes, but for the counts of files.
struct Space {
  std::uint64_t block = 0, total = 0, free = 0, available = 0, files = 0, free_files = 0, name_length = 0;
  bool read_only = false;
};

// Whether the last component may be a link.
enum class Links { follow, keep };

// The virtual root: a directory that no name, link or race leads out of. Links inside it work, relative or
// absolute (an absolute one starts at this root, as in a chroot), and so does a pointer (pointer.hpp), which
// is a link to all who ask. Safe from any thread; every call may wait for the disk.
//
// Errors are those of the system, with errc::is_a_directory for a directory opened as a file, and
// errc::operation_not_permitted for a FIFO, socket or device, which is never opened at all.
class Root {
 public:
  // Linux resolves names in the kernel (openat2, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS) where it can.
  // Containers with an old seccomp filter, valgrind and kernels before 5.6 cannot, and no Windows; there we
  // walk component by component.
  enum class Resolver { automatic, kernel, components };

  // Throws std::system_error when `directory` cannot be opened, or the resolver is not available.
  explicit Root(const std::filesystem::path& directory, Resolver resolver = Resolver::automatic);
  // The same, with the error as a value.
  static Result<Root> open(const std::filesystem::path& directory);

  Result<File> open_file(const Path& path) const;
  Result<Directory> open_directory(const Path& path) const;
  Result<Attributes> attributes(const Path& path, Links links = Links::follow) const;
  // What a link says, which may lead anywhere; errc::invalid_argument for what is not a link.
  Result<std::string> link_target(const Path& path) const;
  Result<Root> subroot(const Path& path) const;  // a user's own "/"
  Result<Space> space(const Path& path) const;
  // Moves the file `from`, whose path is the system's and on the same file system, to `to`, synced; never
  // onto something that exists (errc::file_exists). Folders are not made.
  Result<void> adopt(const std::filesystem::path& from, const Path& to) const;

  // For storage only: a handle of the system's, with the flags of its open() (root_windows.hpp for those of
  // Windows).
  Result<Handle> resolve(const Path& path, int flags) const;

 private:
  Root(Handle handle, Resolver resolver, bool pointers)
      : handle_(std::move(handle)), resolver_(resolver), pointers_(pointers) {}

  bool has_pointers_at(const Path& path) const;
  // What the pointer there leads to, where the entry with these attributes is one.
  std::optional<std::string> pointer_at(const Path& path, const Attributes& own) const;

  Handle handle_;
  Resolver resolver_;
  bool pointers_ = true;  // false: clients sent what lies here
};

}  // namespace storage
