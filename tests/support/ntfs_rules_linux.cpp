#include "tests/support/ntfs_rules.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace fs = std::filesystem;

namespace {

std::atomic<test::NtfsRules*> rules = nullptr;

int refused(int error) {
  errno = error;
  return -1;
}

// Where a name of a call is, links on the way to it resolved.
fs::path place_of(int directory, const char* name) {
  std::error_code error;
  fs::path path(name);
  if (path.is_relative() && directory != AT_FDCWD)
    path = fs::read_symlink("/proc/self/fd/" + std::to_string(directory), error) / path;
  return fs::weakly_canonical(path.parent_path().empty() ? "." : path.parent_path(), error) / path.filename();
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() == fs::file_type::directory;
}

// Whether a file or folder below it is open. One that was removed reads as "NAME (deleted)".
bool is_in_use(const fs::path& folder) {
  std::error_code error;
  for (const auto& open : fs::directory_iterator("/proc/self/fd", error)) {
    const auto target = fs::read_symlink(open.path(), error).string();
    if (target.starts_with(folder.string() + "/") && !target.ends_with(" (deleted)")) return true;
  }
  return false;
}

// What NTFS takes for the same name, and Linux for another.
fs::path twin_of(const fs::path& path) {
  std::error_code error;
  const auto name = path.filename().string();
  for (const auto& entry : fs::directory_iterator(path.parent_path(), error)) {
    const auto other = entry.path().filename().string();
    if (other != name && ::strcasecmp(other.c_str(), name.c_str()) == 0) return entry.path();
  }
  return {};
}

int rename_by_rules(int from_directory, const char* from, int to_directory, const char* to, unsigned flags) {
  const auto renamed = [&] {
    return static_cast<int>(::syscall(SYS_renameat2, from_directory, from, to_directory, to, flags));
  };
  auto* const now = rules.load();
  if (!now) return renamed();
  if ((flags & RENAME_EXCHANGE) != 0) {
    if (const int error = now->exchanges_fail_by()) return refused(error);
    if (const int error = now->step()) return refused(error);
    return renamed();
  }
  const auto source = place_of(from_directory, from), target = place_of(to_directory, to);
  if (now->holds(source) || now->holds(target)) return refused(EBUSY);
  if (source == target) return renamed();
  if (const int error = now->step()) return refused(error);
  if (is_folder(source) && is_in_use(source)) return refused(EBUSY);
  const auto twin = twin_of(target);
  if (!twin.empty() && twin != source) return refused(EEXIST);
  return renamed();
}

int remove_by_rules(int directory, const char* name, int flags) {
  if (auto* const now = rules.load()) {
    if (now->holds(place_of(directory, name))) return refused(EBUSY);
    if (const int error = now->step()) return refused(error);
  }
  return static_cast<int>(::syscall(SYS_unlinkat, directory, name, flags));
}

int make_folder_by_rules(int directory, const char* name, mode_t mode) {
  if (auto* const now = rules.load()) {
    if (const int error = now->step()) return refused(error);
    if (!twin_of(place_of(directory, name)).empty()) return refused(EEXIST);
  }
  return static_cast<int>(::syscall(SYS_mkdirat, directory, name, mode));
}

int link_by_rules(const char* target, int directory, const char* name) {
  if (rules.load()) return refused(EPERM);
  return static_cast<int>(::syscall(SYS_symlinkat, target, directory, name));
}

}  // namespace

test::NtfsRules::NtfsRules() { rules = this; }
test::NtfsRules::~NtfsRules() { rules = nullptr; }

int test::NtfsRules::step() {
  const int number = ++steps_;
  if (number == die_at_) ::_exit(died);
  if (number == fail_at_) return fail();
  return fill_at_ != 0 && number >= fill_at_ ? ENOSPC : 0;
}

int test::NtfsRules::sync() { return ++syncs_ == fail_sync_at_ ? fail() : 0; }

int test::NtfsRules::fail() {
  has_failed_ = true;
  return EIO;
}

// In front of the C library's, for the standard library too.
extern "C" {
int rename(const char* from, const char* to) noexcept {
  return rename_by_rules(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
  return rename_by_rules(from_directory, from, to_directory, to, 0);
}
int renameat2(int from_directory, const char* from, int to_directory, const char* to,
              unsigned flags) noexcept {
  return rename_by_rules(from_directory, from, to_directory, to, flags);
}
int unlink(const char* name) noexcept { return remove_by_rules(AT_FDCWD, name, 0); }
int unlinkat(int directory, const char* name, int flags) noexcept {
  return remove_by_rules(directory, name, flags);
}
int rmdir(const char* name) noexcept { return remove_by_rules(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char* name) noexcept {
  return remove_by_rules(AT_FDCWD, name, is_folder(name) ? AT_REMOVEDIR : 0);
}
int mkdir(const char* name, mode_t mode) noexcept { return make_folder_by_rules(AT_FDCWD, name, mode); }
int mkdirat(int directory, const char* name, mode_t mode) noexcept {
  return make_folder_by_rules(directory, name, mode);
}
int fsync(int file) {
  if (auto* const now = rules.load()) {
    if (const int error = now->sync()) return refused(error);
  }
  return static_cast<int>(::syscall(SYS_fsync, file));
}
int symlink(const char* target, const char* name) noexcept { return link_by_rules(target, AT_FDCWD, name); }
int symlinkat(const char* target, int directory, const char* name) noexcept {
  return link_by_rules(target, directory, name);
}
}
