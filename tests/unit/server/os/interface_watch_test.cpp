#include "server/os/interface_watch.hpp"

#include <doctest/doctest.h>

using server::InterfaceWatch;

TEST_CASE("an interface that was removed and made again is told, once each") {
  unsigned index = 3;
  const auto index_of = [&](const std::string& name) { return name == "eth0" ? index : 0U; };
  InterfaceWatch watch({{"fe80::1%eth0", 69}, {"0.0.0.0", 69}, {"fe80::1%eth1", 69}}, index_of);
  CHECK_FALSE(watch.empty());
  CHECK(watch.look(index_of).empty());
  index = 0;
  const auto gone = watch.look(index_of);
  REQUIRE(gone.size() == 1);
  CHECK_FALSE(gone[0].there);
  CHECK(watch.look(index_of).empty());
  index = 7;
  const auto changes = watch.look(index_of);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].there);
  CHECK(changes[0].endpoint == conf::Endpoint{"fe80::1%eth0", 69});
  CHECK(changes[0].interface == "eth0");
  index = 3;
  CHECK(watch.look(index_of).empty());
}

TEST_CASE("without a link-local address there is nothing to watch") {
  CHECK(InterfaceWatch({{"0.0.0.0", 69}, {"::", 69}}, [](const std::string&) { return 1U; }).empty());
}
