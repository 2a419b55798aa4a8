#include "conf/endpoint.hpp"

#include <doctest/doctest.h>

namespace {

std::string clash(std::initializer_list<std::string_view> texts) {
  std::vector<conf::Endpoint> endpoints;
  for (const auto text : texts) endpoints.push_back(conf::parse_endpoint(text).value());
  return conf::clash_of(endpoints).value_or("");
}

}  // namespace

TEST_CASE("an address that means nothing by itself is no endpoint, and the right one is told") {
  CHECK_FALSE(conf::parse_endpoint("[fe80::1]:69"));
  CHECK_FALSE(conf::parse_endpoint("[::ffff:192.0.2.1]:69"));
  CHECK(conf::parse_endpoint("[fe80::1%eth0]:69"));
  CHECK(conf::endpoint_advice("[febf::1]:69") ==
        "; a link-local address needs its interface: \"[febf::1%eth0]:69\"");
  CHECK(conf::endpoint_advice("[::ffff:192.0.2.1]:69") ==
        "; it is an IPv4 address in IPv6's form: write 192.0.2.1:69");
  for (const auto text : {"", "[::1]:69", "nonsense", "[]:69", "[x]:1", "192.0.2.1"})
    CHECK(conf::endpoint_advice(text).empty());
}

TEST_CASE("two addresses of which only one could be bound clash") {
  CHECK(clash({"127.0.0.1:69", "127.0.0.1:69"}) == "127.0.0.1:69 is given twice; leave one of the two out");
  CHECK(clash({"[::1]:69", "[0:0::1]:69"}).find("given twice") != std::string::npos);
  CHECK(clash({"0.0.0.0:69", "192.0.2.1:69"}) ==
        "192.0.2.1:69 is part of 0.0.0.0:69 already; leave one of the two out");
  CHECK(clash({"[fd00::1]:69", "[::]:69"}).find("[fd00::1]:69 is part of [::]:69") == 0);
}

TEST_CASE("addresses that can all be bound do not clash") {
  CHECK(clash({"0.0.0.0:69", "[::]:69"}).empty());
  CHECK(clash({"0.0.0.0:69", "192.0.2.1:6969"}).empty());
  CHECK(clash({"127.0.0.1:0", "127.0.0.1:0"}).empty());
  CHECK(clash({"[fe80::1%eth0]:69", "[fe80::1%eth1]:69"}).empty());
  CHECK(clash({"127.0.0.1:69", "127.0.0.2:69"}).empty());
}
