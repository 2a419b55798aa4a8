#include "storage/depot/writable.hpp"

#include <algorithm>
#include <string>

#include "storage/depot/upload_error.hpp"
#include "storage/files/file_windows.hpp"
#include "storage/files/root_windows.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/files/windows_name.hpp"

namespace storage {
namespace {

std::unexpected<std::error_code> failed(std::errc code) {
  return std::unexpected(std::make_error_code(code));
}

// A place's last component, and the folder that holds it.
struct Spot {
  Handle folder;
  std::wstring name;
};

Result<Spot> spot_of(const Root& root, const Path& path) {
  constexpr int to_change = FILE_LIST_DIRECTORY | FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | only_folder;
  if (path.is_root()) return failed(std::errc::operation_not_permitted);
  if (!is_windows_name(path.name())) return std::unexpected(error_of(ERROR_INVALID_NAME));
  auto folder = root.resolve(path.parent(), to_change);
  if (!folder) return std::unexpected(folder.error());
  return Spot{std::move(*folder), widen(path.name())};
}

// The names that were given or taken are on the disk, as far as the system keeps them in order at all.
Result<void> synced(const Handle& folder) {
  flush(native(folder));
  return {};
}

bool is_file_or_folder(const Result<Attributes>& attributes) {
  return attributes && (attributes->kind == Kind::file || attributes->kind == Kind::directory);
}

// A file or folder that the sender made, open. What is done is done to this very one: Windows removes and
// renames by a handle.
struct Own {
  Handle handle;
  Attributes attributes;
};

Result<Own> own_of(Result<Handle> handle, const Sender& sender) {
  if (!handle) return std::unexpected(handle.error());
  const auto attributes = attributes_of(native(*handle));
  if (!is_file_or_folder(attributes)) return std::unexpected(UploadError::others);
  if (const auto error = expect_sender(handle->get(), sender.name)) return std::unexpected(error);
  return Own{std::move(*handle), *attributes};
}

// Under this very name: Windows finds it in another case, too, and Root does not.
Result<Own> open_own(const Root& root, const Path& path, const Sender& sender) {
  const auto there = root.attributes(path, Links::keep);
  if (!there) return std::unexpected(there.error());
  if (there->kind != Kind::file && there->kind != Kind::directory)
    return std::unexpected(UploadError::others);
  return own_of(root.resolve(path, DELETE | keep_link), sender);
}

// How many folders lie one in another below `folder`, where all that lies there is the sender's. Nothing
// stays open: a folder moves only while nothing below it is.
Result<std::size_t> depth_of_own(const Handle& folder, const Sender& sender, std::size_t levels) {
  auto listed = open_at(native(folder), {}, FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
  if (!listed) return std::unexpected(listed.error());
  auto directory = directory_of(std::move(*listed));
  std::size_t deepest = 0;
  for (;;) {
    constexpr std::size_t at_once = 256;
    const auto entries = directory.read(at_once);
    if (!entries) return std::unexpected(entries.error());
    if (entries->empty()) return deepest;
    for (const auto& entry : *entries) {
      const auto below = own_of(open_at(native(folder), widen(entry.name), FILE_READ_ATTRIBUTES), sender);
      if (!below) return std::unexpected(below.error());
      if (below->attributes.kind != Kind::directory) continue;
      if (levels == 0) return std::unexpected(UploadError::depth);
      const auto depth = depth_of_own(below->handle, sender, levels - 1);
      if (!depth) return depth;
      deepest = std::max(deepest, *depth + 1);
    }
  }
}

Result<void> make_folder(const Root& root, const Path& path, std::string_view sender) {
  if (path.is_root()) return failed(std::errc::file_exists);
  const auto spot = spot_of(root, path);
  if (!spot) return std::unexpected(spot.error());
  const auto made =
      make_at(native(spot->folder), spot->name, FILE_READ_ATTRIBUTES | FILE_ADD_FILE | DELETE, Make::folder);
  if (!made) return std::unexpected(made.error());
  const auto error = sender.empty() ? std::error_code() : record_sender(made->get(), sender);
  if (!error || error == std::errc::not_supported) return synced(spot->folder);
  remove_by(native(*made));
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
  const auto own = open_own(root_, path, sender_);
  if (!own) return std::unexpected(own.error());
  if (own->attributes.kind != Kind::directory) return failed(std::errc::not_a_directory);
  if (const auto error = remove_by(native(own->handle))) return std::unexpected(error);
  sender_.account.removed({.folders = 1});
  return {};
}

Result<void> Writable::remove_file(const Path& path) const {
  const auto spot = spot_of(root_, path);
  if (!spot) return std::unexpected(spot.error());
  const auto own = open_own(root_, path, sender_);
  if (!own) return std::unexpected(own.error());
  if (own->attributes.kind == Kind::directory) return failed(std::errc::is_a_directory);
  if (const auto error = remove_by(native(own->handle))) return std::unexpected(error);
  sender_.account.removed({.bytes = own->attributes.size, .files = 1});
  return {};
}

Result<void> Writable::rename(const Path& from, const Path& to) const {
  const auto old = spot_of(root_, from);
  if (!old) return std::unexpected(old.error());
  const auto fresh = spot_of(root_, to);
  if (!fresh) return std::unexpected(fresh.error());
  const auto own = open_own(root_, from, sender_);
  if (!own) return std::unexpected(own.error());
  if (own->attributes.kind == Kind::directory) {
    const auto folders = to.components().size();
    if (folders > deepest_upload) return std::unexpected(UploadError::depth);
    const auto depth = depth_of_own(own->handle, sender_, deepest_upload - folders);
    if (!depth) return std::unexpected(depth.error());
  }
  const auto error = rename_to(native(own->handle), native(fresh->folder), fresh->name, Onto::nothing);
  if (error) return std::unexpected(error);
  if (const auto kept = synced(fresh->folder); !kept) return kept;
  return synced(old->folder);
}

Result<void> Writable::set_times(const Path& path, const Times& times) const {
  const auto handle = open_own_at(path);
  if (!handle) return std::unexpected(handle.error());
  if (const auto error = set_times_of(native(*handle), times)) return std::unexpected(error);
  return {};
}

Result<void> Writable::expect_own(const Path& path) const {
  const auto handle = open_own_at(path);
  if (!handle) return std::unexpected(handle.error());
  return {};
}

Result<Handle> Writable::open_own_at(const Path& path) const {
  auto handle = root_.resolve(path, FILE_WRITE_ATTRIBUTES);
  if (!handle) return handle;
  if (!is_file_or_folder(attributes_of(native(*handle)))) return failed(std::errc::operation_not_permitted);
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
