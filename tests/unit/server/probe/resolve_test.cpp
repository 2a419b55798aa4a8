#include "server/probe/resolve.hpp"

#include <doctest/doctest.h>
#include <net/if.h>

#include <string>

using namespace server;
using namespace std::chrono_literals;
using probe::resolve;

TEST_CASE("an address is taken as it is, with its interface, and without asking anybody") {
  for (const auto* text : {"192.0.2.2", "2001:db8::2", "::1", "::ffff:192.0.2.2"}) {
    CAPTURE(text);
    const auto resolved = resolve(text, 0s);
    REQUIRE(resolved.addresses.size() == 1);
    CHECK(resolved.addresses.front() == net::ip::make_address(text));
    CHECK(resolved.error.empty());
  }
  const auto local = resolve("fe80::1%lo", 0s);
  REQUIRE(local.addresses.size() == 1);
  CHECK(local.addresses.front().to_v6().scope_id() == ::if_nametoindex("lo"));
}

TEST_CASE("what else the system takes for an address is given by the system") {
  const auto resolved = resolve("127.1", 30s);
  REQUIRE_FALSE(resolved.addresses.empty());
  CHECK(resolved.addresses.front() == net::ip::address_v4::loopback());
  CHECK(resolved.error.empty());
}

TEST_CASE("a name that there cannot be has no address, and the system says why") {
  const auto resolved = resolve(std::string(300, 'a'), 30s);
  CHECK(resolved.addresses.empty());
  CHECK_FALSE(resolved.error.empty());
}
