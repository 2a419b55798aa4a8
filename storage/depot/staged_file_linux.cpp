#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "storage/depot/sender.hpp"
#include "storage/depot/staged_file.hpp"
#include "storage/files/file_linux.hpp"

namespace storage {
namespace {

std::error_code last_error() { return {errno, std::system_category()}; }

std::error_code error_of(int result) { return result == 0 ? std::error_code() : last_error(); }

}  // namespace

Result<StagedFile> StagedFile::make(const std::filesystem::path& path, std::string_view sender) {
  Handle file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file || ::fchmod(file.get(), 0644) != 0) return std::unexpected(last_error());
  const auto error = record_sender(file.get(), sender);
  if (error && error != std::errc::not_supported) return std::unexpected(error);
  return StagedFile(std::move(file));
}

std::error_code StagedFile::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(handle_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return last_error();
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<std::size_t> StagedFile::read(std::span<std::byte> into, std::uint64_t offset) const {
  for (;;) {
    const auto got = ::pread(handle_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return std::unexpected(last_error());
  }
}

std::error_code StagedFile::resize(std::uint64_t size) {
  return error_of(::ftruncate(handle_.get(), static_cast<off_t>(size)));
}

std::error_code StagedFile::sync() { return error_of(::fsync(handle_.get())); }

std::error_code StagedFile::set_times(const Times& times) {
  return error_of(set_times_of(handle_.get(), times));
}

Result<Attributes> StagedFile::attributes() const { return attributes_of(handle_.get()); }

}  // namespace storage
