#include <sys/resource.h>
#include <sys/select.h>

#include "server/os/descriptors.hpp"

namespace server {

std::size_t most_descriptors() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : FD_SETSIZE;
}

bool is_of_the_reserve(std::intptr_t handle) {
  const auto most = most_descriptors();
  return static_cast<std::size_t>(handle) >= most - most / 4;
}

}  // namespace server
