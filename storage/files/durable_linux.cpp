#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "storage/files/durable.hpp"
#include "storage/files/durable_linux.hpp"
#include "storage/files/file.hpp"
#include "storage/files/folder.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view half_written = ".new-";

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

fs::path parent_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

void write_all(int fd, std::string_view content, const fs::path& file) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno, "cannot write " + file.string());
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

// A file beside the one to be written. Vanishes again unless it was renamed to its final name.
class Temporary {
 public:
  explicit Temporary(const fs::path& target) : target_(target) {
    do make();
    while (!locked());  // a sweep came between the two steps
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }

  void fill(std::string_view content, unsigned mode) {
    keep_owner();
    if (::fchmod(fd_.get(), mode) != 0) fail(errno, "cannot set the mode of " + target_.string());
    write_all(fd_.get(), content, target_);
    if (::fsync(fd_.get()) != 0) fail(errno, "cannot sync " + target_.string());
  }
  void commit() {
    if (::rename(name_.c_str(), target_.c_str()) != 0) fail(errno, "cannot replace " + target_.string());
    name_.clear();
  }

 private:
  // Whose file it was can use it still, though root writes it.
  void keep_owner() const {
    struct stat there {};
    if (::geteuid() != 0 || ::lstat(target_.c_str(), &there) != 0 || !S_ISREG(there.st_mode)) return;
    if (::fchown(fd_.get(), there.st_uid, there.st_gid) != 0)
      fail(errno, "cannot set the owner of " + target_.string());
  }

  void make() {
    name_ = parent_of(target_) / (std::string(half_written) + "XXXXXX");
    fd_ = Handle(::mkostemp(name_.data(), O_CLOEXEC));
    if (!fd_) fail(errno, "cannot write " + target_.string());
  }
  // A lock tells the living from what a killed writer left; where there are no locks, nobody is told apart.
  bool locked() const {
    struct stat status {};
    const bool locked = ::flock(fd_.get(), LOCK_EX) == 0;
    return !locked || ::fstat(fd_.get(), &status) != 0 || status.st_nlink > 0;
  }

  const fs::path& target_;
  std::string name_;
  Handle fd_;
};

// For file systems without RENAME_NOREPLACE (NFS, some FUSE). A link is as atomic, but not for directories:
// there the check and the rename are two steps, and the rename itself still refuses a directory that is not
// empty.
int rename_in_two_steps(int from_directory, const char* from, int to_directory, const char* to) {
  if (::linkat(from_directory, from, to_directory, to, 0) == 0) return ::unlinkat(from_directory, from, 0);
  if (errno == EEXIST) return -1;
  struct stat there;
  if (::fstatat(to_directory, to, &there, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return errno == ENOENT ? ::renameat(from_directory, from, to_directory, to) : -1;
}

// By handles, so that nothing that takes the name meanwhile gets the mode.
void make_directory(const fs::path& directory, unsigned mode) {
  const Handle parent(::open(parent_of(directory).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent) fail(errno, "cannot make the folder " + directory.string());
  const auto name = directory.has_filename() ? directory.filename().string() : ".";
  if (::mkdirat(parent.get(), name.c_str(), mode) != 0) {
    const int error = errno;
    if (error != EEXIST) fail(error, "cannot make the folder " + directory.string());
    if (!fs::is_directory(directory)) fail(ENOTDIR, directory.string() + " is in the way of a folder");
    return;
  }
  const Handle made(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!made || ::fstat(made.get(), &status) != 0) fail(errno, "cannot open the folder " + directory.string());
  // Only where the umask took something away: fchmod takes away S_ISGID, which the folder inherited with its
  // group, and a unit with RestrictSUIDSGID= may not set that.
  if ((status.st_mode & 0777) != mode && ::fchmod(made.get(), mode) != 0)
    fail(errno, "cannot set the mode of " + directory.string());
  if (sync_directory(parent.get()) != 0) fail(errno, "cannot sync " + parent_of(directory).string());
}

}  // namespace

int rename_new(int from_directory, const char* from, int to_directory, const char* to) {
  const int renamed = ::renameat2(from_directory, from, to_directory, to, RENAME_NOREPLACE);
  const bool unknown = renamed != 0 && (errno == EINVAL || errno == ENOSYS);
  return unknown ? rename_in_two_steps(from_directory, from, to_directory, to) : renamed;
}

int sync_directory(int directory) {
  // EINVAL: a file system whose directories cannot be synced keeps them in order by itself, or not at all.
  return ::fsync(directory) == 0 || errno == EINVAL ? 0 : -1;
}

void write_durably(const fs::path& file, std::string_view content, unsigned mode) {
  Temporary temporary(file);
  temporary.fill(content, mode);
  temporary.commit();
  sync_directory(parent_of(file));
}

void sync_directory(const fs::path& directory) {
  const Handle handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle) fail(errno, "cannot open " + directory.string());
  if (sync_directory(handle.get()) != 0) fail(errno, "cannot sync " + directory.string());
}

void rename_new(const fs::path& from, const fs::path& to) {
  if (rename_new(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str()) != 0)
    fail(errno, "cannot move " + from.string() + " to " + to.string());
  sync_directory(parent_of(to));
  if (parent_of(from) != parent_of(to)) sync_directory(parent_of(from));
}

void replace_file(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    fail(errno, "cannot move " + from.string() + " to " + to.string());
  sync_directory(parent_of(to));
}

bool exchange(const fs::path& a, const fs::path& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) != 0) {
    if (errno == EINVAL || errno == ENOSYS) return false;
    fail(errno, "cannot exchange " + a.string() + " and " + b.string());
  }
  sync_directory(parent_of(b));
  sync_directory(parent_of(a));
  return true;
}

void sweep_half_written(const fs::path& directory) {
  std::error_code error;  // what cannot be looked at or removed costs a little space
  FolderReader reader(directory, error);
  while (const auto entry = reader.next()) {
    if (!entry->name.starts_with(half_written) || !entry->is_file()) continue;
    std::error_code ignored;
    const auto& path = entry->path;
    const Handle left(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (left && ::flock(left.get(), LOCK_EX | LOCK_NB) == 0) fs::remove(path, ignored);
  }
}

bool is_one_file_system(const fs::path& a, const fs::path& b) {
  struct statx first {
  }, second{};
  constexpr unsigned wanted = STATX_BASIC_STATS | STATX_MNT_ID;
  if (::statx(AT_FDCWD, a.c_str(), 0, wanted, &first) != 0) return true;
  if (::statx(AT_FDCWD, b.c_str(), 0, wanted, &second) != 0) return true;
  const bool mounts_known = (first.stx_mask & second.stx_mask & STATX_MNT_ID) != 0;  // from Linux 5.8 on
  return first.stx_dev_major == second.stx_dev_major && first.stx_dev_minor == second.stx_dev_minor &&
         (!mounts_known || first.stx_mnt_id == second.stx_mnt_id);
}

void make_directories(const fs::path& directory, unsigned mode) {
  if (fs::is_directory(directory)) return;
  const fs::path parent = parent_of(directory);
  if (parent != directory && !fs::is_directory(parent)) make_directories(parent, mode);
  make_directory(directory, mode);
}

unsigned mode_as_above(const fs::path& path) {
  auto above = parent_of(path);
  while (!fs::is_directory(above)) above = parent_of(above);
  const bool shared = (fs::status(above).permissions() & fs::perms::group_read) != fs::perms::none;
  return shared ? 0750U : 0700U;
}

}  // namespace storage
