#include "storage/files/tree_watch.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

TEST_CASE("a watch that cannot be had says that everything changes") {
  CHECK_FALSE(storage::TreeWatch().changed());
  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
  const rlimit none{0, usual.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const storage::TreeWatch blind;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
  CHECK(blind.blind());
  CHECK(blind.changed());
}
