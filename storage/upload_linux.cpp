#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "storage/durable.hpp"
#include "storage/stat_linux.hpp"
#include "storage/upload.hpp"

namespace storage {
namespace {

// For what a file needs beside its bytes, and for the records of the server itself.
constexpr std::uint64_t spare = 16 << 20;

std::error_code last_error() { return {errno, std::system_category()}; }

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

std::error_code check_space(const Depot& depot, std::uint64_t size) {
  struct statvfs disk {};
  if (::statvfs(depot.staging().c_str(), &disk) != 0) return last_error();
  const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (free < spare || size > free - spare) return std::make_error_code(std::errc::no_space_on_device);
  return {};
}

Result<std::unique_ptr<StagingArea>> make_area(const Depot& depot) {
  try {
    return std::make_unique<StagingArea>(depot);
  } catch (const std::system_error& error) {
    return std::unexpected(error.code());
  }
}

Result<Handle> make_file(const std::filesystem::path& path) {
  Handle file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file || ::fchmod(file.get(), 0644) != 0) return std::unexpected(last_error());
  return file;
}

std::error_code write_all(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return last_error();
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

}  // namespace

Upload::Upload(std::unique_ptr<StagingArea> area, Handle file, Root writable, Path path)
    : area_(std::move(area)),
      file_(std::move(file)),
      writable_(std::move(writable)),
      path_(std::move(path)) {}

Result<Upload> Upload::begin(const Depot& depot, const Root& writable, Path path,
                             std::optional<std::uint64_t> announced_size) {
  if (const auto error = obstacle(writable, path)) return std::unexpected(error);
  if (const auto error = announced_size ? check_space(depot, *announced_size) : std::error_code())
    return std::unexpected(error);
  auto own = writable.subroot(Path{});  // the caller's may go before the upload ends
  if (!own) return std::unexpected(own.error());
  auto area = make_area(depot);
  if (!area) return std::unexpected(area.error());
  auto file = make_file(staged_in(**area));
  if (!file) return std::unexpected(file.error());
  return Upload(std::move(*area), std::move(*file), std::move(*own), std::move(path));
}

Result<void> Upload::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  const auto error = write_all(file_.get(), bytes, offset);
  if (!error) return {};
  fail(error);
  return std::unexpected(error);
}

Result<std::size_t> Upload::read(std::span<std::byte> into, std::uint64_t offset) const {
  for (;;) {
    const auto got = ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return std::unexpected(last_error());
  }
}

Result<void> Upload::resize(std::uint64_t size) {
  if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) return std::unexpected(last_error());
  return {};
}

Result<void> Upload::sync() {
  if (::fsync(file_.get()) != 0) return std::unexpected(last_error());
  return {};
}

Result<Attributes> Upload::attributes() const {
  auto attributes = attributes_of(file_.get());
  if (attributes && times_) {
    attributes->accessed = times_->accessed;
    attributes->modified = times_->modified;
  }
  return attributes;
}

Result<void> Upload::publish() {
  if (failed_) return std::unexpected(failed_);
  if (times_ && set_times_of(file_.get(), *times_) != 0) return std::unexpected(last_error());
  if (const auto synced = sync(); !synced) return synced;
  return writable_.adopt(staged_in(*area_), path_);
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
