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

// None where it is not one of ours.
Handle open_own(int parent, const char* name, OwnFolder::Place place) {
  Handle handle(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!handle || ::fstat(handle.get(), &status) != 0) return {};
  const bool own = status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (!own && place == OwnFolder::Place::shared) return {};
  return handle;
}

}  // namespace

std::optional<OwnFolder> OwnFolder::open(const std::filesystem::path& folder, Place place) {
  auto handle = open_own(AT_FDCWD, folder.c_str(), place);
  return handle ? std::optional(OwnFolder(std::move(handle), place)) : std::nullopt;
}

std::optional<OwnFolder> OwnFolder::open_below(const std::string& name) const {
  auto handle = open_own(handle_.get(), name.c_str(), place_);
  return handle ? std::optional(OwnFolder(std::move(handle), place_)) : std::nullopt;
}

std::optional<OwnFolder> OwnFolder::make_below(const std::string& name) const {
  if (::mkdirat(handle_.get(), name.c_str(), S_IRWXU) != 0) {
    if (errno == EEXIST) return {};
    throw std::system_error(errno, std::system_category(), "cannot make the folder " + name);
  }
  errno = 0;
  auto made = open_below(name);
  if (made) return made;
  const int error = errno != 0 ? errno : EPERM;  // it is another's by now
  remove_folder(name);
  throw std::system_error(error, std::system_category(), "cannot open the folder " + name);
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
