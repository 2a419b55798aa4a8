#include "server/loop/client_network.hpp"

#include <doctest/doctest.h>

using namespace server;

namespace {

std::string source(const std::string& address) { return client_network_text(net::ip::make_address(address)); }

}  // namespace

TEST_CASE("what counts as one client") {
  CHECK(source("192.0.2.1") == "192.0.2.1/32");
  CHECK(source("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
  CHECK(source("fe80::1") == "fe80::1/128");
  CHECK(source("::ffff:192.0.2.1") == "192.0.2.1/32");
}
