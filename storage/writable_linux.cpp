#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "storage/durable_linux.hpp"
#include "storage/stat_linux.hpp"
#include "storage/writable.hpp"

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

Result<void> remove(const Root& root, const Path& path, int flags) {
  const auto spot = spot_of(root, path);
  if (!spot) return std::unexpected(spot.error());
  if (::unlinkat(spot->folder.get(), spot->name.c_str(), flags) != 0) return failed();
  return {};
}

bool is_file_or_folder(const Result<Attributes>& attributes) {
  return attributes && (attributes->kind == Kind::file || attributes->kind == Kind::directory);
}

}  // namespace

Result<void> Writable::make_directory(const Path& path) const {
  if (path.is_root()) return failed(std::errc::file_exists);
  const auto spot = spot_of(root_, path);
  if (!spot) return std::unexpected(spot.error());
  const int folder = spot->folder.get();
  if (::mkdirat(folder, spot->name.c_str(), 0755) != 0) return failed();
  const Handle made(::openat(folder, spot->name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made || ::fchmod(made.get(), 0755) != 0) return failed();
  return synced(spot->folder);
}

Result<void> Writable::remove_directory(const Path& path) const { return remove(root_, path, AT_REMOVEDIR); }

Result<void> Writable::remove_file(const Path& path) const { return remove(root_, path, 0); }

Result<void> Writable::rename(const Path& from, const Path& to) const {
  const auto old = spot_of(root_, from);
  if (!old) return std::unexpected(old.error());
  const auto fresh = spot_of(root_, to);
  if (!fresh) return std::unexpected(fresh.error());
  if (rename_new(old->folder.get(), old->name.c_str(), fresh->folder.get(), fresh->name.c_str()) != 0)
    return failed();
  if (const auto kept = synced(fresh->folder); !kept) return kept;
  return synced(old->folder);
}

Result<void> Writable::set_times(const Path& path, const Times& times) const {
  // First a handle that opens nothing: opening a FIFO or a device may do anything.
  const auto place = root_.resolve(path, O_PATH | O_CLOEXEC);
  if (!place) return std::unexpected(place.error());
  if (!is_file_or_folder(attributes_of(place->get()))) return failed(std::errc::operation_not_permitted);
  const auto handle = root_.resolve(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (!handle) return std::unexpected(handle.error());
  if (!is_file_or_folder(attributes_of(handle->get()))) return failed(std::errc::operation_not_permitted);
  if (set_times_of(handle->get(), times) != 0) return failed();
  return {};
}

Result<Writable> uploads_below(const Root& user_root) {
  const auto uploads = Path{} / "uploads";
  auto own = user_root.subroot(Path{});
  if (!own) return std::unexpected(own.error());
  const Writable user(std::move(*own));
  if (const auto made = user.make_directory(uploads); !made && made.error() != std::errc::file_exists)
    return std::unexpected(made.error());
  auto folder = user.root().subroot(uploads);
  if (!folder) return std::unexpected(folder.error());
  return Writable(std::move(*folder));
}

}  // namespace storage
