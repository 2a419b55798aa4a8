#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "storage/files/file_linux.hpp"
#include "storage/files/growing_file.hpp"

namespace storage {
namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

// O_NONBLOCK: a FIFO would wait here for its reader.
GrowingFile::GrowingFile(std::filesystem::path path)
    : path_(std::move(path)),
      handle_(::open(path_.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {
  if (!handle_) fail(errno, "cannot open " + path_.string());
  const auto attributes = attributes_of(handle_.get());
  if (!attributes) throw std::system_error(attributes.error(), "cannot examine " + path_.string());
  if (attributes->kind != Kind::file) fail(EINVAL, path_.string() + " is not a regular file");
}

std::uint64_t GrowingFile::size() const {
  const auto attributes = attributes_of(handle_.get());
  if (!attributes) throw std::system_error(attributes.error(), "cannot examine " + path_.string());
  return attributes->size;
}

void GrowingFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(handle_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno, "cannot write " + path_.string());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void GrowingFile::sync() {
  if (::fsync(handle_.get()) != 0) fail(errno, "cannot sync " + path_.string());
}

}  // namespace storage
