#include "conf/address.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace std::string_view_literals;

TEST_CASE("an IPv4 address is four numbers without zeros in front") {
  for (const auto text : {"0.0.0.0"sv, "192.0.2.7"sv, "255.255.255.255"sv}) {
    CAPTURE(text);
    CHECK(conf::parse_ipv4(text).value().text() == text);
  }
  for (const auto text : {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "1..3.4"sv, ".1.2.3"sv, "1.2.3."sv, "1.2.3.4."sv,
                          "01.2.3.4"sv, "1.2.3.00"sv, "256.0.0.1"sv, "1.2.3.0004"sv, "1.2.3.-4"sv,
                          "1.2.3.+4"sv, "0x1.2.3.4"sv, "1.2.3.4 "sv, " 1.2.3.4"sv, "1.2.3.4\0"sv, "::1"sv}) {
    CAPTURE(text);
    CHECK_FALSE(conf::parse_ipv4(text));
  }
}

TEST_CASE("an IPv6 address is written as inet_ntop of Linux writes it") {
  for (const auto& [text, written] : {std::pair{"::", "::"},
                                      {"::1", "::1"},
                                      {"2001:0DB8::0:7", "2001:db8::7"},
                                      {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
                                      {"0:0:1:0:0:1:0:0", "::1:0:0:1:0:0"},
                                      {"1:0:0:2::", "1:0:0:2::"},
                                      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
                                      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
                                      {"::ffff", "::ffff"},
                                      {"::1:0", "::0.1.0.0"},
                                      {"::192.0.2.7", "::192.0.2.7"},
                                      {"0:0:0:0:0:ffff:c000:207", "::ffff:192.0.2.7"},
                                      {"1:2:3:4:5:6:192.0.2.7", "1:2:3:4:5:6:c000:207"}}) {
    CAPTURE(text);
    CHECK(conf::parse_ipv6(text).value().text() == written);
  }
}

TEST_CASE("what only looks like an IPv6 address is none") {
  for (const auto text : {""sv,
                          ":"sv,
                          ":::"sv,
                          "1"sv,
                          "1:2:3:4:5:6:7"sv,
                          "1:2:3:4:5:6:7:8:9"sv,
                          "1:2:3:4:5:6:7:8::"sv,
                          "1::2::3"sv,
                          ":1:2:3:4:5:6:7"sv,
                          "1:2:3:4:5:6:7:"sv,
                          "12345::"sv,
                          "::g"sv,
                          "::1.2.3"sv,
                          "::1.2.3.256"sv,
                          "::1.2.3.4:5"sv,
                          "1.2.3.4::"sv,
                          "::01.2.3.4"sv,
                          "1:2:3:4:5:6:7:1.2.3.4"sv,
                          "::-1"sv,
                          "::+1"sv,
                          "::0x1"sv,
                          " ::1"sv,
                          "::1 "sv,
                          "::1%eth0"sv,
                          "::1\0"sv,
                          "192.0.2.7"sv}) {
    CAPTURE(text);
    CHECK_FALSE(conf::parse_ipv6(text));
  }
}
