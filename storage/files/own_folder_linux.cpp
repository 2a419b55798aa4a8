#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <system_error>

#include "storage/files/own_folder.hpp"

namespace storage {
namespace {

struct Close {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

// None where it is not our own.
Handle open_own(int parent, const char* name) {
  Handle handle(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!handle || ::fstat(handle.get(), &status) != 0) return {};
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return {};
  return handle;
}

}  // namespace

std::optional<OwnFolder> OwnFolder::open(const std::filesystem::path& folder) {
  auto handle = open_own(AT_FDCWD, folder.c_str());
  return handle ? std::optional(OwnFolder(std::move(handle))) : std::nullopt;
}

std::optional<OwnFolder> OwnFolder::open_below(const std::string& name) const {
  auto handle = open_own(handle_.get(), name.c_str());
  return handle ? std::optional(OwnFolder(std::move(handle))) : std::nullopt;
}

std::vector<std::string> OwnFolder::names() const {
  const int again = ::openat(handle_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, Close> stream(again < 0 ? nullptr : ::fdopendir(again));
  if (!stream) {
    const std::error_code why(errno, std::system_category());
    if (again >= 0) ::close(again);
    throw std::system_error(why, "cannot read a folder");
  }
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const auto* const entry = ::readdir(stream.get());
    if (!entry) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) throw std::system_error(errno, std::system_category(), "cannot read a folder");
  return names;
}

void OwnFolder::remove_file(const std::string& name) const noexcept {
  ::unlinkat(handle_.get(), name.c_str(), 0);
}

void OwnFolder::remove_folder(const std::string& name) const noexcept {
  ::unlinkat(handle_.get(), name.c_str(), AT_REMOVEDIR);
}

}  // namespace storage
