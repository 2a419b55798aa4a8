#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "storage/files/file_rights.hpp"

namespace storage {
namespace {

// Newer than Debian 12's header.
constexpr std::uint64_t truncate = 1ULL << 14, use_device = 1ULL << 15;

constexpr std::uint64_t read_file = LANDLOCK_ACCESS_FS_READ_FILE,
                        read = read_file | LANDLOCK_ACCESS_FS_READ_DIR, execute = LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t of_files =
    execute | read_file | LANDLOCK_ACCESS_FS_WRITE_FILE | truncate | use_device;

// What this kernel's Landlock knows, and so can forbid.
std::uint64_t known_rights() {
  const auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return 0;
  std::uint64_t rights = LANDLOCK_ACCESS_FS_REFER - 1;  // all that came before it
  if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) rights |= truncate;
  if (version >= 5) rights |= use_device;
  return rights;
}

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

bool FileRights::known() { return known_rights() != 0; }
bool FileRights::can_move() { return (known_rights() & LANDLOCK_ACCESS_FS_REFER) != 0; }

FileRights::FileRights() {
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = known_rights();
  if (rules.handled_access_fs == 0) return;
  rules_ = Handle(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules.handled_access_fs, 0)));
  if (!rules_) fail("Landlock refuses a set of rules");
}

void FileRights::allow(const std::filesystem::path& place, Right right) {
  if (!rules_) return;
  const Handle handle(::open(place.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!handle || ::fstat(handle.get(), &status) != 0) return;
  const auto known = known_rights();
  std::uint64_t rights = right == Right::read      ? read
                         : right == Right::execute ? read | execute
                                                   : known & ~execute;
  if (!S_ISDIR(status.st_mode)) rights &= of_files;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights & known;
  rule.parent_fd = handle.get();
  if (::syscall(SYS_landlock_add_rule, rules_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    fail("Landlock refuses a rule for " + place.string());
}

void FileRights::enforce() {
  if (!rules_) return;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, rules_.get(), 0) != 0)
    fail("Landlock cannot be entered");
}

}  // namespace storage
