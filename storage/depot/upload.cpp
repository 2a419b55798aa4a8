#include "storage/depot/upload.hpp"

#include <limits>

#include "storage/depot/depot.hpp"
#include "storage/depot/upload_error.hpp"
#include "storage/files/durable.hpp"

namespace storage {
namespace {

std::filesystem::path staged_in(const StagingArea& area) { return area.content() / "upload"; }

// Nothing when `path` is free, in a folder that is there.
std::error_code obstacle(const Root& writable, const Path& path) {
  if (path.is_root()) return std::make_error_code(std::errc::is_a_directory);
  const auto there = writable.attributes(path, Links::keep);
  if (there) return std::make_error_code(std::errc::file_exists);
  if (there.error() != std::errc::no_such_file_or_directory) return there.error();
  const auto folder = writable.subroot(path.parent());
  return folder ? std::error_code() : folder.error();
}

Result<std::unique_ptr<StagingArea>> make_area(const Depot& depot) {
  try {
    return std::make_unique<StagingArea>(depot);
  } catch (const std::system_error& error) {
    return std::unexpected(error.code());
  }
}

// Else the upload could not be published by a rename once it is whole.
bool on_one_file_system(const StagedFile& file, const Root& writable, const Path& folder) {
  const auto staged = file.attributes(), place = writable.attributes(folder);
  return !staged || !place || staged->version.device == place->version.device;
}

}  // namespace

Upload::Upload(UploadShare share, std::unique_ptr<StagingArea> area, StagedFile file, Root writable,
               Path path)
    : share_(std::move(share)),
      area_(std::move(area)),
      file_(std::move(file)),
      writable_(std::move(writable)),
      path_(std::move(path)) {}

Result<Upload> Upload::begin(const Sender& sender, const Root& writable, Path path,
                             std::optional<std::uint64_t> announced_size) {
  if (const auto error = obstacle(writable, path)) return std::unexpected(error);
  auto share = sender.account.begin_file(announced_size);
  if (!share) return std::unexpected(share.error());
  auto own = writable.subroot(Path{});  // the caller's may go before the upload ends
  if (!own) return std::unexpected(own.error());
  auto area = make_area(sender.account.depot());
  if (!area) return std::unexpected(area.error());
  auto file = StagedFile::make(staged_in(**area), sender.name);
  if (!file) return std::unexpected(file.error());
  if (!on_one_file_system(*file, *own, path.parent())) return std::unexpected(UploadError::elsewhere);
  return Upload(std::move(*share), std::move(*area), std::move(*file), std::move(*own), std::move(path));
}

Result<void> Upload::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  const auto error = write_within_bounds(bytes, offset);
  if (!error) return {};
  fail(error);
  return std::unexpected(error);
}

// The length of the file counts, holes or not: they may be filled later.
std::error_code Upload::write_within_bounds(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (bytes.size() > std::numeric_limits<std::uint64_t>::max() - offset)
    return std::make_error_code(std::errc::file_too_large);
  const auto end = bytes.empty() ? 0 : offset + bytes.size();
  if (const auto error = end > share_.size() ? share_.resize(end) : std::error_code()) return error;
  if (const auto error = share_.account().begin_write(bytes.size())) return error;
  const auto error = file_.write(bytes, offset);
  share_.account().end_write(bytes.size());
  return error;
}

Result<std::size_t> Upload::read(std::span<std::byte> into, std::uint64_t offset) const {
  return file_.read(into, offset);
}

Result<void> Upload::resize(std::uint64_t size) {
  if (size > share_.size()) {
    if (const auto error = share_.resize(size)) return std::unexpected(error);
  }
  if (const auto error = file_.resize(size)) return std::unexpected(error);
  if (size < share_.size()) share_.resize(size);
  return {};
}

Result<void> Upload::sync() {
  if (const auto error = file_.sync()) return std::unexpected(error);
  return {};
}

Result<Attributes> Upload::attributes() const {
  auto attributes = file_.attributes();
  if (attributes && times_) {
    attributes->accessed = times_->accessed;
    attributes->modified = times_->modified;
  }
  return attributes;
}

Result<void> Upload::publish() {
  if (failed_) return std::unexpected(failed_);
  if (const auto error = times_ ? file_.set_times(*times_) : std::error_code()) return std::unexpected(error);
  if (const auto synced = sync(); !synced) return synced;
  const auto adopted = writable_.adopt(staged_in(*area_), path_);
  if (adopted) share_.published();
  return adopted;
}

Result<Root> uploads_root(const Depot& depot) {
  try {
    make_directories(depot.images() / "uploads", 0755);
    return Root(depot.images()).subroot(Path{} / "uploads");
  } catch (const std::system_error& error) {
    return std::unexpected(error.code());
  }
}

}  // namespace storage
