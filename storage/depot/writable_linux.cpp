#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "storage/depot/depot.hpp"
#include "storage/depot/upload_error.hpp"
#include "storage/depot/writable.hpp"
#include "storage/files/durable_linux.hpp"
#include "storage/files/file_linux.hpp"
#include "storage/files/uploads_folder.hpp"

namespace storage {
namespace {

std::unexpected<std::error_code> failed() {
  return std::unexpected(std::error_code(errno, std::system_category()));
}
std::unexpected<std::error_code> failed(std::errc code) {
  return std::unexpected(std::make_error_code(code));
}

Result<void> synced(const Handle& directory) {
  if (sync_directory(directory.get()) != 0) return failed();
  return {};
}

// A place's last component, and the folder that holds it.
struct Spot {
  Handle folder;
  std::string name;
};

Result<Spot> spot_of(const Root& root, const Path& path) {
  if (path.is_root()) return failed(std::errc::operation_not_permitted);
  auto folder = root.resolve(path.parent(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!folder) return std::unexpected(folder.error());
  return Spot{std::move(*folder), std::string(path.name())};
}

bool is_file_or_folder(const Result<Attributes>& attributes) {
  return attributes && (attributes->kind == Kind::file || attributes->kind == Kind::directory);
}

bool is_same(const Attributes& a, const Attributes& b) {
  return a.version.device == b.version.device && a.version.number == b.version.number;
}

// A file or folder that the sender made, open, so that it stays the one that was looked at.
struct Own {
  Handle handle;
  Attributes attributes;
};

Result<Own> open_own(int folder, const std::string& name, const Sender& sender) {
  // First a handle that opens nothing: opening a FIFO or a device may do anything.
  const Handle place(::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!place) return failed();
  if (!is_file_or_folder(attributes_of(place.get()))) return std::unexpected(UploadError::others);
  Handle handle(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!handle) return failed();
  const auto attributes = attributes_of(handle.get());
  if (!is_file_or_folder(attributes)) return std::unexpected(UploadError::others);
  if (const auto error = expect_sender(handle.get(), sender.name)) return std::unexpected(error);
  return Own{std::move(handle), *attributes};
}

Result<Directory> open_directory(int folder) {
  const int own = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return failed();
  if (auto* stream = ::fdopendir(own)) return Directory(stream);
  const auto error = failed();
  ::close(own);
  return error;
}

// How many folders lie one in another below `folder`, where all that lies there is the sender's.
Result<std::size_t> depth_of_own(int folder, const Sender& sender, std::size_t levels) {
  auto directory = open_directory(folder);
  if (!directory) return std::unexpected(directory.error());
  std::size_t deepest = 0;
  for (;;) {
    constexpr std::size_t at_once = 256;
    const auto entries = directory->read(at_once);
    if (!entries) return std::unexpected(entries.error());
    if (entries->empty()) return deepest;
    for (const auto& entry : *entries) {
      const auto below = open_own(folder, entry.name, sender);
      if (!below) return std::unexpected(below.error());
      if (below->attributes.kind != Kind::directory) continue;
      if (levels == 0) return std::unexpected(UploadError::depth);
      const auto depth = depth_of_own(below->handle.get(), sender, levels - 1);
      if (!depth) return depth;
      deepest = std::max(deepest, *depth + 1);
    }
  }
}

// What took the place of a file between the look at it and its removal goes back, beside what took its name
// meanwhile.
Result<void> put_back(const std::string& from, int folder, const std::string& name) {
  for (int n = 0;; ++n) {
    const auto place = n == 0 ? name : name + "." + std::to_string(n);
    if (rename_new(AT_FDCWD, from.c_str(), folder, place.c_str()) == 0)
      return std::unexpected(UploadError::others);
    if (errno != EEXIST) return failed();
  }
}

std::error_code prepare_folder(const Handle& folder, std::string_view sender) {
  if (!folder || ::fchmod(folder.get(), 0755) != 0) return {errno, std::system_category()};
  const auto error = sender.empty() ? std::error_code() : record_sender(folder.get(), sender);
  return error == std::errc::not_supported ? std::error_code() : error;
}

Result<void> make_folder(const Root& root, const Path& path, std::string_view sender) {
  if (path.is_root()) return failed(std::errc::file_exists);
  const auto spot = spot_of(root, path);
  if (!spot) return std::unexpected(spot.error());
  const int folder = spot->folder.get();
  if (::mkdirat(folder, spot->name.c_str(), 0755) != 0) return failed();
  const Handle made(::openat(folder, spot->name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const auto error = prepare_folder(made, sender);
  if (!error) return synced(spot->folder);
  ::unlinkat(folder, spot->name.c_str(), AT_REMOVEDIR);
  return std::unexpected(error);
}

}  // namespace

Result<void> Writable::make_directory(const Path& path) const {
  if (path.components().size() > deepest_upload) return std::unexpected(UploadError::depth);
  if (root_.attributes(path, Links::keep)) return failed(std::errc::file_exists);
  auto share = sender_.account.begin_folder();
  if (!share) return std::unexpected(share.error());
  auto made = make_folder(root_, path, sender_.name);
  if (made) share->published();
  return made;
}

Result<void> Writable::remove_directory(const Path& path) const {
  const auto spot = spot_of(root_, path);
  if (!spot) return std::unexpected(spot.error());
  const auto own = open_own(spot->folder.get(), spot->name, sender_);
  if (!own) return std::unexpected(own.error());
  // Should another one have its name by now, that one is empty.
  if (::unlinkat(spot->folder.get(), spot->name.c_str(), AT_REMOVEDIR) != 0) return failed();
  sender_.account.removed({.folders = 1});
  return {};
}

// It is renamed first, to where nobody looks, and looked at again there: what is removed is what was looked
// at.
Result<void> Writable::remove_file(const Path& path) const {
  const auto spot = spot_of(root_, path);
  if (!spot) return std::unexpected(spot.error());
  const auto own = open_own(spot->folder.get(), spot->name, sender_);
  if (!own) return std::unexpected(own.error());
  if (own->attributes.kind == Kind::directory) return failed(std::errc::is_a_directory);
  const std::string removed =
      sender_.account.depot().staging() / ("removed-" + std::to_string(own->attributes.version.number));
  if (rename_new(spot->folder.get(), spot->name.c_str(), AT_FDCWD, removed.c_str()) != 0) return failed();
  struct stat status {};
  if (::lstat(removed.c_str(), &status) != 0) return failed();
  if (!is_same(attributes_of(status), own->attributes))
    return put_back(removed, spot->folder.get(), spot->name);
  if (::unlink(removed.c_str()) != 0) return failed();
  sender_.account.removed({.bytes = own->attributes.size, .files = 1});
  return {};
}

Result<void> Writable::rename(const Path& from, const Path& to) const {
  const auto old = spot_of(root_, from);
  if (!old) return std::unexpected(old.error());
  const auto fresh = spot_of(root_, to);
  if (!fresh) return std::unexpected(fresh.error());
  const auto own = open_own(old->folder.get(), old->name, sender_);
  if (!own) return std::unexpected(own.error());
  if (own->attributes.kind == Kind::directory) {
    const auto folders = to.components().size();
    if (folders > deepest_upload) return std::unexpected(UploadError::depth);
    const auto depth = depth_of_own(own->handle.get(), sender_, deepest_upload - folders);
    if (!depth) return std::unexpected(depth.error());
  }
  if (rename_new(old->folder.get(), old->name.c_str(), fresh->folder.get(), fresh->name.c_str()) != 0)
    return failed();
  struct stat status {};
  if (::fstatat(fresh->folder.get(), fresh->name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      !is_same(attributes_of(status), own->attributes)) {  // it took the name since
    rename_new(fresh->folder.get(), fresh->name.c_str(), old->folder.get(), old->name.c_str());
    return std::unexpected(UploadError::others);
  }
  if (const auto kept = synced(fresh->folder); !kept) return kept;
  return synced(old->folder);
}

Result<void> Writable::set_times(const Path& path, const Times& times) const {
  const auto handle = open_own_at(path);
  if (!handle) return std::unexpected(handle.error());
  if (set_times_of(handle->get(), times) != 0) return failed();
  return {};
}

Result<void> Writable::expect_own(const Path& path) const {
  const auto handle = open_own_at(path);
  if (!handle) return std::unexpected(handle.error());
  return {};
}

Result<Handle> Writable::open_own_at(const Path& path) const {
  // First a handle that opens nothing: opening a FIFO or a device may do anything.
  const auto place = root_.resolve(path, O_PATH | O_CLOEXEC);
  if (!place) return std::unexpected(place.error());
  if (!is_file_or_folder(attributes_of(place->get()))) return failed(std::errc::operation_not_permitted);
  auto handle = root_.resolve(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (!handle) return std::unexpected(handle.error());
  if (!is_file_or_folder(attributes_of(handle->get()))) return failed(std::errc::operation_not_permitted);
  if (const auto error = expect_sender(handle->get(), sender_.name)) return std::unexpected(error);
  return handle;
}

Result<Root> uploads_below(const Root& user_root) {
  const auto uploads = Path{} / uploads_name;
  if (const auto made = make_folder(user_root, uploads, {}); !made && made.error() != std::errc::file_exists)
    return std::unexpected(made.error());
  return user_root.subroot(uploads);
}

}  // namespace storage
