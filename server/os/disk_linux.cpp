#include "server/os/disk.hpp"

#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "storage/files/file.hpp"

namespace server {
namespace {

struct Known {
  std::uint32_t number;  // of statfs(2)
  DiskKind kind;
  const char* name;
};

constexpr std::array known{Known{TMPFS_MAGIC, DiskKind::memory, "tmpfs"},
                           Known{RAMFS_MAGIC, DiskKind::memory, "ramfs"},
                           Known{NFS_SUPER_MAGIC, DiskKind::network, "NFS"},
                           Known{CIFS_SUPER_MAGIC, DiskKind::network, "SMB"},
                           Known{SMB2_SUPER_MAGIC, DiskKind::network, "SMB"},
                           Known{SMB_SUPER_MAGIC, DiskKind::network, "SMB"},
                           Known{CEPH_SUPER_MAGIC, DiskKind::network, "Ceph"},
                           Known{AFS_SUPER_MAGIC, DiskKind::network, "AFS"},
                           Known{V9FS_MAGIC, DiskKind::network, "9p"},
                           Known{FUSE_SUPER_MAGIC, DiskKind::program, "FUSE"},
                           Known{MSDOS_SUPER_MAGIC, DiskKind::without_owners, "FAT"},
                           Known{EXFAT_SUPER_MAGIC, DiskKind::without_owners, "exFAT"}};

std::error_code last_error() { return {errno, std::generic_category()}; }

}  // namespace

std::optional<Disk> disk_of(const std::filesystem::path& folder) {
  struct statfs disk {};
  if (::statfs(folder.c_str(), &disk) != 0) return {};
  const auto* found = std::ranges::find(known, static_cast<std::uint32_t>(disk.f_type), &Known::number);
  if (found == known.end()) return Disk{};
  return Disk{found->kind, found->name};
}

std::error_code watch_failure(const std::filesystem::path& folder) {
  const storage::Handle watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!watch || ::inotify_add_watch(watch.get(), folder.c_str(), IN_CREATE | IN_ONLYDIR) < 0)
    return last_error();
  return {};
}

}  // namespace server
