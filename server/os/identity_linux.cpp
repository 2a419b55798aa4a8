#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <deque>
#include <system_error>
#include <utility>
#include <vector>

#include "server/os/identity.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/file.hpp"

namespace server {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t longest_entry = 16'384;  // of the user database

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// getpwnam_r or getpwuid_r.
template <class Get, class Key>
std::optional<Account> entry_of(Get get, Key key) {
  passwd entry{}, *found = nullptr;
  std::vector<char> text(longest_entry);
  if (get(key, &entry, text.data(), text.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return Account{entry.pw_name, entry.pw_uid, entry.pw_gid};
}

std::optional<Account> entry_of(uid_t uid) { return entry_of(::getpwuid_r, uid); }

std::optional<std::uint32_t> number_in(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // The highest number is nobody's: setresuid(2) takes it for "leave it".
  if (error != std::errc() || end != text.data() + text.size() || number == UINT32_MAX) return std::nullopt;
  return number;
}

// Of this thread. A root that may not (a container's) cannot get them back either, for want of no_new_privs.
void empty_bounding_set() {
  for (unsigned long right = 0; ::prctl(PR_CAPBSET_READ, right, 0, 0, 0) >= 0; ++right)
    ::prctl(PR_CAPBSET_DROP, right, 0, 0, 0);
}

bool has_none() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> held{};
  return ::syscall(SYS_capget, &header, held.data()) == 0 && std::ranges::all_of(held, [](const auto& each) {
           return each.effective == 0 && each.permitted == 0 && each.inheritable == 0;
         });
}

bool has_become(const Account& account) {
  uid_t real = 0, effective = 0, saved = 0;
  gid_t real_group = 0, effective_group = 0, saved_group = 0;
  ::getresuid(&real, &effective, &saved);
  ::getresgid(&real_group, &effective_group, &saved_group);
  return std::ranges::count(std::array{real, effective, saved}, account.uid) == 3 &&
         std::ranges::count(std::array{real_group, effective_group, saved_group}, account.gid) == 3 &&
         ::getgroups(0, nullptr) == 0;
}

storage::Handle open_place(int folder, const char* name) {
  return storage::Handle(::openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

std::optional<struct stat> status_of(const storage::Handle& place) {
  struct stat status {};
  return place && ::fstat(place.get(), &status) == 0 ? std::optional(status) : std::nullopt;
}

fs::path target_of(const storage::Handle& link) {
  std::array<char, PATH_MAX> target{};
  const auto size = ::readlinkat(link.get(), "", target.data(), target.size());
  return std::string(target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
}

bool is_open_to_others(const struct stat& status) {
  return (status.st_mode & S_IWOTH) != 0 || ((status.st_mode & S_IWGRP) != 0 && status.st_gid != 0);
}

}  // namespace

std::optional<Account> find_account(const std::string& name) {
  if (auto entry = entry_of(::getpwnam_r, name.c_str())) return entry;
  // Where there is no /etc/passwd, as in an empty container, the kernel still knows root.
  if (name == "root") return Account{name, 0, 0};
  const auto number = number_in(name);
  if (!number) return std::nullopt;
  return entry_of(*number).value_or(Account{name, *number, *number});
}

// As the kernel walks, by handles: each name is looked at in the folder that was looked at before.
std::optional<fs::path> others_may_change(const fs::path& directory) {
  constexpr int most_links = 40;  // as the kernel's
  const auto absolute = fs::absolute(directory);
  std::deque<fs::path> left(absolute.begin(), absolute.end());
  fs::path way;
  storage::Handle here = open_place(AT_FDCWD, "/");
  const auto top = status_of(here);
  for (int links = 0; !left.empty();) {
    const auto name = left.front();
    left.pop_front();
    auto place = open_place(here.get(), name.empty() ? "." : name.c_str());
    const auto status = status_of(place);
    if (!status) return std::nullopt;
    auto there = way / name;
    // In a user namespace the host's root shows as nobody.
    if (status->st_uid != 0 && status->st_uid != top->st_uid) return there;
    if (S_ISLNK(status->st_mode)) {
      const auto target = target_of(place);
      if (target.empty() || ++links > most_links) return there;
      left.insert(left.begin(), target.begin(), target.end());
      continue;
    }
    // In a sticky folder each takes away only what is his own, and may add what he likes.
    const bool is_passed = !left.empty() && (status->st_mode & S_ISVTX) != 0;
    if (is_open_to_others(*status) && !is_passed) return there;
    way = std::move(there);
    here = std::move(place);
  }
  return std::nullopt;
}

std::optional<Account> owner_of(const fs::path& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) return std::nullopt;
  return entry_of(status.st_uid)
      .value_or(Account{std::to_string(status.st_uid), status.st_uid, status.st_gid});
}

std::optional<Account> server_account(const std::filesystem::path& depot) { return owner_of(depot); }

Account own_account() {
  const auto uid = ::geteuid();
  return entry_of(uid).value_or(Account{std::to_string(uid), uid, ::getegid()});
}

void expect_of_administrator(const std::filesystem::path&) {}

void become(const Account& account) {
  const auto cannot = fmt::format(
      "root cannot become {} (uid {}) and goes no further; run this as {}, or give root the capabilities "
      "SETUID and SETGID",
      account.name, account.uid, account.name);
  // The groups first, and the bounding set while there is the right to.
  if (::setgroups(0, nullptr) != 0 || ::setresgid(account.gid, account.gid, account.gid) != 0) fail(cannot);
  empty_bounding_set();
  if (::setresuid(account.uid, account.uid, account.uid) != 0) fail(cannot);
  give_up_capabilities();
  if (!has_become(account) || ::setresuid(0, 0, 0) == 0) {
    errno = EPERM;
    fail(cannot);
  }
}

void give_up_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // A unit's filter may refuse the call to a process that has nothing to give up.
  if (!has_none() && ::syscall(SYS_capset, &header, none.data()) != 0) fail("cannot give up capabilities");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("cannot refuse further rights");
}

void make_directory_of(const Account& account, const fs::path& directory) {
  const auto path = fs::absolute(directory).lexically_normal();
  const auto wanted = path.has_filename() ? path : path.parent_path();
  storage::make_directories(wanted.parent_path(), 0755);
  const storage::Handle parent(::open(wanted.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent) fail("cannot open the folder " + wanted.parent_path().string());
  const auto name = wanted.filename().string();
  if (::mkdirat(parent.get(), name.c_str(), 0700) != 0) {
    if (errno == EEXIST) return;
    fail("cannot make the folder " + wanted.string());
  }
  const storage::Handle made(
      ::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made || ::fchmod(made.get(), 0755) != 0 || ::fchown(made.get(), account.uid, account.gid) != 0)
    fail(fmt::format("cannot give the folder {} to {}", wanted.string(), account.name));
  storage::sync_directory(wanted.parent_path());
}

void make_file_of(const Account& account, const fs::path& file) {
  const storage::Handle made(
      ::open(file.c_str(), O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!made && errno == ELOOP) return;
  struct stat status {};
  if (!made || ::fstat(made.get(), &status) != 0) fail("cannot make the file " + file.string());
  // A second name could lie where somebody else put it.
  if (!S_ISREG(status.st_mode) || status.st_uid != 0 || status.st_nlink != 1) return;
  if (::fchown(made.get(), account.uid, account.gid) != 0)
    fail(fmt::format("cannot give the file {} to {}", file.string(), account.name));
}

bool may_read(const Account& account, const std::filesystem::path& file) {
  const auto owner = owner_of(file);
  return !owner || owner->uid == account.uid;
}

}  // namespace server
