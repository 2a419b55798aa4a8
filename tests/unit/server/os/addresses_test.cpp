#include "server/os/addresses.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include "server/os/interfaces.hpp"

using namespace server;

TEST_CASE("an address is link-local in 169.254.0.0/16 and in fe80::/10, and nowhere else") {
  for (const auto* local : {"169.254.0.0", "169.254.255.255", "fe80::1", "febf::1"})
    CHECK(is_link_local(net::ip::make_address(local)));
  for (const auto* other : {"169.253.255.255", "169.255.0.0", "10.254.0.1", "fec0::1", "2001:db8::1"})
    CHECK_FALSE(is_link_local(net::ip::make_address(other)));
}

TEST_CASE("what a controller may be given is an address of an interface, and the other way round") {
  std::set<net::ip::address> given, of_interfaces;
  for (const auto& address : own_addresses()) {
    CHECK_FALSE(address.is_loopback());
    CHECK_FALSE(is_link_local(address));
    given.insert(address);
  }
  for (const auto& interface : own_interfaces())
    for (const auto& address : interface.addresses)
      if (!is_link_local(address)) of_interfaces.insert(address);
  CHECK(given == of_interfaces);
}

TEST_CASE("an interface that is listed is up, has an address and a size of packets, and stands there once") {
  const auto interfaces = own_interfaces();
  CHECK(std::ranges::is_sorted(interfaces, std::less_equal{}, &Interface::name));
  for (const auto& interface : interfaces) {
    CAPTURE(interface.name);
    CHECK(index_of_interface(interface.name) > 0);
    CHECK_FALSE(interface.addresses.empty());
    CHECK(interface.mtu.value_or(0) >= 68);  // RFC 791 lets no IPv4 network have less
  }
}

TEST_CASE("the first address whose interface this host does not have is named, with what to do") {
  const std::vector<conf::Endpoint> known{
      {"0.0.0.0", 69}, {"::", 69}, {"fe80::1%lo", 69}, {"fe80::1%4242424", 69}};
  CHECK_FALSE(unknown_interface({}));
  CHECK_FALSE(unknown_interface(known));
  auto endpoints = known;
  endpoints.push_back({"fe80::1%nosuch0", 6969});
  endpoints.push_back({"fe80::1%nosuch1", 69});
  CHECK(unknown_interface(endpoints) ==
        "[fe80::1%nosuch0]:6969: this host has no interface nosuch0: `ip link` lists them");
}

TEST_CASE("a name that only begins or ends like a number, or is too long, is the name of an interface") {
  for (const std::string name : {"7x", "x7", "-7", "a-name-beyond-what-the-kernel-has-room-for"}) {
    CAPTURE(name);
    const auto text = unknown_interface({{"fe80::1%" + name, 69}});
    REQUIRE(text);
    CHECK(text->find("no interface " + name + ":") != std::string::npos);
  }
}
