#include "server/os/descriptors.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <string>

#include "tests/unit/server/os/child.hpp"

namespace {

// Which descriptor is the first of the reserve in a process that may have `most`.
std::string first_of_the_reserve(rlim_t most) {
  return test::in_a_child([most] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = most;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0 || server::most_descriptors() != most)
      return std::string("no limit");
    int handle = 0;
    while (handle < static_cast<int>(most) && !server::is_of_the_reserve(handle)) ++handle;
    for (int after = handle; after < static_cast<int>(most); ++after)
      if (!server::is_of_the_reserve(after)) return std::string("a hole in the reserve");
    return std::to_string(handle);
  });
}

}  // namespace

TEST_CASE("the last quarter of the descriptors is the reserve, rounded down") {
  CHECK(first_of_the_reserve(1000) == "750");
  CHECK(first_of_the_reserve(303) == "228");
  CHECK(first_of_the_reserve(300) == "225");
  CHECK(first_of_the_reserve(3) == "3");
}
