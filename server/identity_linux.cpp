#include "server/identity.hpp"

#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace server {
namespace {

// seteuid(2) takes what may be used, and leaves what is permitted.
void use_what_is_permitted() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> rights{};
  if (::syscall(SYS_capget, &header, rights.data()) != 0) return;
  for (auto& each : rights) each.effective = each.permitted;
  ::syscall(SYS_capset, &header, rights.data());
}

}  // namespace

void act_as_owner_of(const std::filesystem::path& directory) {
  struct stat status {};
  if (::geteuid() != 0 || ::stat(directory.c_str(), &status) != 0 || status.st_uid == 0) return;
  // A root that may not do this, in a container, cannot give files away either.
  if (::setegid(status.st_gid) == 0 && ::seteuid(status.st_uid) == 0) use_what_is_permitted();
}

}  // namespace server
