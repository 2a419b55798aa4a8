#include "storage/lookup/nearness.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

using storage::distance;
using storage::Version;

namespace {
storage::Distance between(std::string_view a, std::string_view b) {
  return distance(*Version::parse(a), *Version::parse(b));
}
}  // namespace

TEST_CASE("a version is near when it agrees far, and then when it differs little") {
  constexpr std::string_view asked = "17.9.4";
  constexpr std::string_view nearest_first[]{"17.9.4", "17.9.4a", "17.9.4d", "17.9.5",
                                             "17.9.2", "17.8.1",  "17.12.4", "16.12.8"};
  CHECK(std::ranges::is_sorted(nearest_first, {}, [&](auto each) { return between(asked, each); }));
  for (std::size_t i = 1; i < std::size(nearest_first); ++i)
    CHECK(between(asked, nearest_first[i - 1]) < between(asked, nearest_first[i]));
}

TEST_CASE("distance is the same both ways, and two trains are equally far") {
  CHECK(between("17.9.9", "17.12.1") == between("17.12.1", "17.9.9"));
  CHECK(between("17.9.9", "17.12.1") == between("17.9.9", "17.6.8"));
}

TEST_CASE("another spelling of a version is not far") {
  CHECK(between("17.9.4.27", "17_9_4") == storage::Distance{});
  CHECK(between("8.10.185", "8.10.185.0") == storage::Distance{});
  CHECK(between("15.3(3)JPN3", "15.3(3)JPN10") > storage::Distance{});
  CHECK(between("15.3(3)JPN3", "15.3(3)JPN10") < between("15.3(3)JPN3", "15.3(3)JF3"));
}
