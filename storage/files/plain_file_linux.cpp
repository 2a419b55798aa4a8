#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "storage/files/file_linux.hpp"
#include "storage/files/plain_file.hpp"

namespace storage {
namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

// fcntl(2): a read lease is granted only while no writer has the file open.
bool is_lease_refused(const Handle& file) {
  if (::fcntl(file.get(), F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  ::fcntl(file.get(), F_SETLEASE, F_UNLCK);
  return false;
}

}  // namespace

File open_plain_file(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO would wait here for its writer.
  Handle handle(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!handle && errno == ELOOP) fail(EINVAL, path.string() + " is a link, not a file");
  if (!handle) fail(errno, "cannot open " + path.string());
  const auto attributes = attributes_of(handle.get());
  if (!attributes) throw std::system_error(attributes.error(), "cannot examine " + path.string());
  if (attributes->kind != Kind::file) fail(EINVAL, path.string() + " is not a regular file");
  return {std::move(handle), *attributes};
}

std::optional<File> open_without_links(const std::filesystem::path& path) {
  open_how how{};
  how.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  Handle handle(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  if (!handle) return std::nullopt;
  const auto attributes = attributes_of(handle.get());
  if (!attributes || attributes->kind != Kind::file) return std::nullopt;
  return File(std::move(handle), *attributes);
}

bool is_open_for_writing(const std::filesystem::path& path) {
  const Handle handle(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return handle && is_lease_refused(handle);
}

bool is_open_for_writing(const File& file) { return is_lease_refused(file.handle()); }

bool may_be_written_by_others(const File& file) {
  const auto& found = file.at_open();
  const bool is_ours = found.uid == ::geteuid() || found.uid == 0;
  return !is_ours || (found.mode & (S_IWGRP | S_IWOTH)) != 0;
}

NewFile::NewFile(const std::filesystem::path& directory, const std::string& name) : path_(directory / name) {
  const Handle parent(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!parent) fail(errno, "cannot open " + directory.string());
  handle_ = Handle(
      ::openat(parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!handle_) fail(errno, "cannot make " + path_.string());
  if (::fchmod(handle_.get(), 0644) != 0) fail(errno, "cannot set the mode of " + path_.string());
}

void NewFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(handle_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno, "cannot write " + path_.string());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void NewFile::sync() {
  if (::fdatasync(handle_.get()) != 0) fail(errno, "cannot sync " + path_.string());
}

}  // namespace storage
