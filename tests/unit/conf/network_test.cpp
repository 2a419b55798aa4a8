#include "conf/network.hpp"

#include <doctest/doctest.h>

#include <vector>

using Bytes = std::vector<std::uint8_t>;

namespace {

conf::Network network(std::string_view text) { return conf::parse_network(text).value(); }

// As a socket has it: 4 or 16 bytes.
Bytes address(std::string_view text) {
  const bool is_v4 = text.find(':') == text.npos;
  const auto parsed = (is_v4 ? conf::parse_ipv4(text) : conf::parse_ipv6(text)).value();
  return {parsed.bytes.begin(), parsed.bytes.begin() + (is_v4 ? 4 : 16)};
}

}  // namespace

TEST_CASE("a network is an address with a prefix, or one address") {
  for (const std::string text : {"192.0.2.0/24", "10.0.0.0/8", "0.0.0.0/0", "192.0.2.128/25", "192.0.2.7",
                                 "2001:db8::/32", "::/0", "2001:db8::7", "::/64"}) {
    CAPTURE(text);
    CHECK(network(text).text() == text);
  }
  CHECK(network("192.0.2.7/32").text() == "192.0.2.7");
  CHECK(network("2001:0DB8::7/128").text() == "2001:db8::7");
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, "/"sv, "/8"sv, "10.0.0.0/"sv, "10.0.0.0/33"sv, "10.0.0.0/-1"sv, "10.0.0.0/+8"sv,
        "10.0.0.0/ 8"sv, "10.0.0.0/8 "sv, "10.0.0.0/8/8"sv, "10.0.0/8"sv, "10.0.0.0/255.0.0.0"sv, "::/129"sv,
        "[::]/0"sv, "fe80::1%eth0"sv, "localhost"sv, "10.0.0.1:69"sv, "10.0.0.1\0"sv, "10.0.0.0\0/8"sv}) {
    CAPTURE(text);
    CHECK_FALSE(conf::parse_network(text));
    CHECK_FALSE(conf::network_around(text));
  }
}

TEST_CASE("bits beyond the prefix are refused, and tell the network meant") {
  struct Row {
    const char *text, *meant;
  };
  for (const auto& [text, meant] : {Row{"10.1.2.3/8", "10.0.0.0/8"},
                                    {"192.0.2.129/25", "192.0.2.128/25"},
                                    {"192.0.2.7/31", "192.0.2.6/31"},
                                    {"0.0.0.1/0", "0.0.0.0/0"},
                                    {"2001:db8:8000::1/33", "2001:db8:8000::/33"},
                                    {"::1/127", "::/127"},
                                    {"::ffff:10.1.2.3/104", "10.0.0.0/8"}}) {
    CAPTURE(text);
    CHECK_FALSE(conf::parse_network(text));
    CHECK(conf::network_around(text).value().text() == meant);
  }
}

TEST_CASE("a network contains the addresses that begin as it does") {
  struct Row {
    const char *network, *inside, *outside;
  };
  for (const auto& [text, inside, outside] : {Row{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
                                              {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
                                              {"192.0.2.6/31", "192.0.2.7", "192.0.2.8"},
                                              {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
                                              {"0.0.0.0/0", "255.255.255.255", "::"},
                                              {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
                                              {"2001:db8:8000::/33", "2001:db8:8000::", "2001:db8:7fff::"},
                                              {"::1", "::1", "::2"},
                                              {"::/0", "fe80::1", "10.0.0.1"},
                                              {"::/0", "::1", "::ffff:10.0.0.1"},
                                              {"a00::/8", "a00::1", "10.0.0.1"}}) {
    CAPTURE(text);
    CHECK(network(text).contains(address(inside)));
    CHECK_FALSE(network(text).contains(address(outside)));
  }
}

TEST_CASE("an IPv4-mapped IPv6 address counts as its IPv4 address, on either side") {
  CHECK(network("10.0.0.0/8").contains(address("::ffff:10.1.2.3")));
  CHECK_FALSE(network("10.0.0.0/8").contains(address("::ffff:11.1.2.3")));
  CHECK_FALSE(network("10.0.0.0/8").contains(address("::fffe:10.1.2.3")));
  CHECK(network("::ffff:10.0.0.0/104") == network("10.0.0.0/8"));
  CHECK(network("::ffff:0:0/96") == network("0.0.0.0/0"));
  CHECK(network("::ffff:10.1.2.3").contains(address("10.1.2.3")));
}

TEST_CASE("what is no address is in no network") {
  for (const std::size_t size : {0u, 3u, 5u, 15u, 17u}) {
    CAPTURE(size);
    CHECK_FALSE(network("0.0.0.0/0").contains(Bytes(size)));
    CHECK_FALSE(network("::/0").contains(Bytes(size)));
  }
}
