#include "server/descriptors.hpp"

#include <sys/resource.h>

namespace server {

bool is_of_the_reserve(int handle) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  return static_cast<rlim_t>(handle) >= limit.rlim_cur - limit.rlim_cur / 4;
}

}  // namespace server
