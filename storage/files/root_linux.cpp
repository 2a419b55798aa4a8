#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "storage/files/durable_linux.hpp"
#include "storage/files/file_linux.hpp"
#include "storage/files/pointer.hpp"
#include "storage/files/pointer_linux.hpp"
#include "storage/files/root.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/files/walk_linux.hpp"

namespace storage {
namespace {

std::unexpected<std::error_code> failed() {
  return std::unexpected(std::error_code(errno, std::system_category()));
}
std::unexpected<std::error_code> failed(std::errc code) {
  return std::unexpected(std::make_error_code(code));
}

Result<Handle> resolve_in_kernel(int root, const Path& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const auto text = path.is_root() ? std::string(".") : path.text();
  for (int tries = 0;; ++tries) {
    const auto fd = ::syscall(SYS_openat2, root, text.c_str(), &how, sizeof how);
    if (fd >= 0) return Handle(static_cast<int>(fd));
    // EAGAIN: a rename elsewhere raced with a ".." in a link; openat2(2) asks to try again.
    if (errno == EINTR || (errno == EAGAIN && tries < 8)) continue;
    return failed();
  }
}

// Whether what the kernel found, or stopped at, may be a pointer: a small file, as the last component or,
// where a folder was expected, before it.
bool may_be_pointer(const Result<Handle>& found, int flags) {
  if (!found) return found.error().value() == ENOTDIR;
  if ((flags & (O_DIRECTORY | O_NOFOLLOW)) != 0) return false;
  const auto attributes = attributes_of(found->get());
  return attributes && attributes->kind == Kind::file && attributes->size <= longest_pointer;
}

}  // namespace

Root::Root(const std::filesystem::path& directory, Resolver resolver)
    : handle_(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), resolver_(resolver) {
  if (!handle_) {
    throw std::system_error(errno, std::system_category(), "cannot open the directory " + directory.string());
  }
  if (resolver == Resolver::components) return;
  static const bool kernel_can = resolve_in_kernel(handle_.get(), Path{}, O_PATH | O_CLOEXEC).has_value();
  if (!kernel_can && resolver == Resolver::kernel)
    throw std::system_error(ENOSYS, std::system_category(), "openat2");
  resolver_ = kernel_can ? Resolver::kernel : Resolver::components;
}

Result<Root> Root::open(const std::filesystem::path& directory) {
  try {
    return Root(directory);
  } catch (const std::system_error& e) {
    return std::unexpected(e.code());
  }
}

Result<Handle> Root::resolve(const Path& path, int flags) const {
  const bool pointers = has_pointers_at(path);
  if (resolver_ == Resolver::kernel) {
    auto found = resolve_in_kernel(handle_.get(), path, flags);
    if (!pointers || !may_be_pointer(found, flags)) return found;
  }
  return walk(handle_.get(), path, flags, pointers);
}

bool Root::has_pointers_at(const Path& path) const { return pointers_ && !is_in_uploads(path); }

std::optional<std::string> Root::pointer_at(const Path& path, const Attributes& own) const {
  if (path.name() != pointer_name || !has_pointers_at(path)) return {};
  const auto folder = resolve(path.parent(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  return folder ? read_pointer(folder->get(), std::string(path.name()), own) : std::nullopt;
}

Result<File> Root::open_file(const Path& path) const {
  // First a handle that opens nothing: opening a FIFO waits for its writer, and opening a device may do
  // anything.
  const auto place = resolve(path, O_PATH | O_CLOEXEC);
  if (!place) return std::unexpected(place.error());
  const auto kind = attributes_of(place->get());
  if (!kind) return std::unexpected(kind.error());
  if (kind->kind == Kind::directory) return failed(std::errc::is_a_directory);
  if (kind->kind != Kind::file) return failed(std::errc::operation_not_permitted);

  // The name may lead elsewhere by now, hence O_NONBLOCK and a second look.
  auto handle = resolve(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (!handle) return std::unexpected(handle.error());
  const auto attributes = attributes_of(handle->get());
  if (!attributes) return std::unexpected(attributes.error());
  if (attributes->kind == Kind::directory) return failed(std::errc::is_a_directory);
  if (attributes->kind != Kind::file) return failed(std::errc::operation_not_permitted);
  return File(std::move(*handle), *attributes);
}

Result<Directory> Root::open_directory(const Path& path) const {
  const auto handle = resolve(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!handle) return std::unexpected(handle.error());
  const int own = ::fcntl(handle->get(), F_DUPFD_CLOEXEC, 0);
  if (own < 0) return failed();
  if (auto* stream = ::fdopendir(own)) return Directory(stream, has_pointers_at(path));
  const auto error = failed();
  ::close(own);
  return error;
}

Result<Attributes> Root::attributes(const Path& path, Links links) const {
  const auto handle = resolve(path, O_PATH | O_CLOEXEC | (links == Links::keep ? O_NOFOLLOW : 0));
  if (!handle) return std::unexpected(handle.error());
  auto attributes = attributes_of(handle->get());
  if (!attributes || links == Links::follow) return attributes;
  const auto target = pointer_at(path, *attributes);
  return target ? as_link(*attributes, *target) : attributes;
}

Result<std::string> Root::link_target(const Path& path) const {
  const auto handle = resolve(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
  if (!handle) return std::unexpected(handle.error());
  const auto kind = attributes_of(handle->get());
  if (!kind) return std::unexpected(kind.error());
  if (const auto pointer = pointer_at(path, *kind)) return *pointer;
  if (kind->kind != Kind::link) return failed(std::errc::invalid_argument);
  std::string target(PATH_MAX, '\0');
  const auto size = ::readlinkat(handle->get(), "", target.data(), target.size());
  if (size < 0) return failed();
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Result<Space> Root::space(const Path& path) const {
  const auto handle = resolve(path, O_PATH | O_CLOEXEC);
  if (!handle) return std::unexpected(handle.error());
  struct statvfs disk {};
  if (::fstatvfs(handle->get(), &disk) != 0) return failed();
  const std::uint64_t block = disk.f_frsize;
  return Space{block,        disk.f_blocks * block, disk.f_bfree * block, disk.f_bavail * block,
               disk.f_files, disk.f_ffree,          disk.f_namemax,       (disk.f_flag & ST_RDONLY) != 0};
}

Result<Root> Root::subroot(const Path& path) const {
  auto handle = resolve(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!handle) return std::unexpected(handle.error());
  return Root(std::move(*handle), resolver_, has_pointers_at(path));
}

Result<void> Root::adopt(const std::filesystem::path& from, const Path& to) const {
  if (to.is_root()) return failed(std::errc::is_a_directory);
  const auto parent = resolve(to.parent(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!parent) return std::unexpected(parent.error());
  const std::string name(to.name());
  if (rename_new(AT_FDCWD, from.c_str(), parent->get(), name.c_str()) != 0) return failed();
  if (sync_directory(parent->get()) != 0) return failed();
  return {};
}

Directory::~Directory() {
  if (stream_) ::closedir(static_cast<DIR*>(stream_));
}

NativeHandle Directory::native() const { return ::dirfd(static_cast<DIR*>(stream_)); }

Result<std::vector<Entry>> Directory::read(std::size_t count) {
  auto* stream = static_cast<DIR*>(stream_);
  std::vector<Entry> entries;
  while (entries.size() < count) {
    errno = 0;
    const dirent* entry = ::readdir(stream);
    if (!entry && errno != 0) return failed();
    if (!entry) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat status {};
    // An entry that was removed since is no entry.
    if (::fstatat(::dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    auto attributes = attributes_of(status);
    const auto target = pointers_ ? read_pointer(::dirfd(stream), entry->d_name, attributes) : std::nullopt;
    if (target) attributes = as_link(attributes, *target);
    entries.push_back({std::string(name), attributes});
  }
  return entries;
}

}  // namespace storage
