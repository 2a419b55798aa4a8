#include <linux/magic.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <string>

#include "storage/files/tree_watch.hpp"

namespace storage {
namespace {

// What another host changes there reaches no inotify.
constexpr std::array<std::uint32_t, 8> others_disks = {NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,  CIFS_SUPER_MAGIC,
                                                       SMB2_SUPER_MAGIC, FUSE_SUPER_MAGIC, CEPH_SUPER_MAGIC,
                                                       AFS_SUPER_MAGIC,  V9FS_MAGIC};

bool is_ours_alone(int directory) {
  struct statfs disk {};
  if (::fstatfs(directory, &disk) != 0) return false;
  return std::ranges::find(others_disks, static_cast<std::uint32_t>(disk.f_type)) == others_disks.end();
}

}  // namespace

struct TreeWatch::State {
  Handle events{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
};

TreeWatch::TreeWatch() : state_(std::make_unique<State>()), blind_(!state_->events) {}
TreeWatch::TreeWatch(TreeWatch&&) noexcept = default;
TreeWatch& TreeWatch::operator=(TreeWatch&&) noexcept = default;
TreeWatch::~TreeWatch() = default;

void TreeWatch::add(const Directory& directory) {
  constexpr auto wanted = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB |
                          IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  if (blind_) return;
  // By its handle, so that it is the directory that will be read, whatever its name leads to by then.
  const auto path = "/proc/self/fd/" + std::to_string(directory.native());
  blind_ = !is_ours_alone(directory.native()) ||
           ::inotify_add_watch(state_->events.get(), path.c_str(), wanted) < 0;
}

bool TreeWatch::changed() const {
  if (blind_) return true;
  pollfd waiting{state_->events.get(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) != 0;
}

}  // namespace storage
