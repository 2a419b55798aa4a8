#include "server/files/request_rate.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "conf/tftp.hpp"
#include "server/events/tftp.hpp"

using namespace server;
using namespace std::chrono_literals;
using event::Limit;

namespace {

const RequestRate::Clock::time_point start{1h};

std::vector<conf::Network> networks(std::initializer_list<const char*> texts) {
  std::vector<conf::Network> all;
  for (const auto* text : texts) all.push_back(*conf::parse_network(text));
  return all;
}

struct Door {
  conf::Tftp settings;
  RequestRate rate;
  explicit Door(std::uint32_t per_second = 5) { settings.max_requests_per_second = per_second; }

  std::optional<Limit> knock(const std::string& address, RequestRate::Clock::time_point now = start) {
    return rate.knock(net::ip::make_address(address), settings, now);
  }
  // Of so many requests at once.
  int admitted(const std::string& address, int requests, RequestRate::Clock::time_point now) {
    int count = 0;
    for (int i = 0; i < requests; ++i) count += knock(address, now) ? 0 : 1;
    return count;
  }
};

}  // namespace

TEST_CASE("a client that rested gets what it saved up, and never more than two seconds' worth") {
  struct Row {
    std::chrono::milliseconds rest;
    int admitted;
  };
  for (const auto& [rest, admitted] : {Row{0ms, 0}, Row{199ms, 0}, Row{200ms, 1}, Row{1000ms, 5},
                                       Row{1999ms, 9}, Row{2000ms, 10}, Row{1h, 10}}) {
    CAPTURE(rest.count());
    Door door;
    REQUIRE(door.admitted("192.0.2.7", 50, start) == 10);
    CHECK(door.admitted("192.0.2.7", 50, start + rest) == admitted);
  }
}

TEST_CASE("a client that asks more often than it may gets its rate all the same") {
  Door door(2);
  door.admitted("192.0.2.7", 4, start);
  int admitted = 0;
  for (int i = 1; i <= 80; ++i) admitted += door.admitted("192.0.2.7", 1, start + i * 125ms);
  CHECK(admitted == 20);
}

TEST_CASE("the slowest rate admits two requests, and one more a second") {
  Door door(1);
  CHECK(door.admitted("192.0.2.7", 10, start) == 2);
  CHECK(door.admitted("192.0.2.7", 10, start + 750ms) == 0);
  CHECK(door.admitted("192.0.2.7", 10, start + 1s) == 1);
}

TEST_CASE("a rate that was changed counts from the next request on") {
  Door door;
  CHECK(door.admitted("192.0.2.7", 50, start) == 10);
  door.settings.max_requests_per_second = 10;
  CHECK(door.admitted("192.0.2.7", 50, start) == 10);
  door.settings.max_requests_per_second = 1;
  CHECK(door.knock("192.0.2.7") == Limit::requests_per_second);
}

TEST_CASE("each address has a rate of its own, where an address is what one client can choose") {
  struct Row {
    const char *first, *second;
    bool shared;
  };
  for (const auto& [first, second, shared] :
       {Row{"192.0.2.7", "192.0.2.8", false}, Row{"192.0.2.7", "::ffff:192.0.2.7", true},
        Row{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
        Row{"2001:db8::1", "2001:db8:0:1::1", false}, Row{"fe80::1", "fe80::2", false}}) {
    CAPTURE(second);
    Door door;
    door.admitted(first, 10, start);
    CHECK(door.knock(second).has_value() == shared);
  }
}

TEST_CASE("tftp.allow and tftp.deny admit or refuse to the last address of a network") {
  Door door;
  door.settings.allow = networks({"192.0.2.0/25", "2001:db8::/32"});
  door.settings.deny = networks({"192.0.2.64/26", "2001:db8:1::/48"});
  struct Row {
    const char* address;
    std::optional<Limit> limit;
  };
  for (const auto& [address, limit] :
       {Row{"192.0.2.0", {}}, Row{"192.0.2.63", {}}, Row{"192.0.2.64", Limit::denied},
        Row{"192.0.2.127", Limit::denied}, Row{"192.0.2.128", Limit::not_allowed},
        Row{"192.0.1.255", Limit::not_allowed}, Row{"::ffff:192.0.2.63", {}},
        Row{"::ffff:192.0.2.64", Limit::denied}, Row{"2001:db8:2::1", {}},
        Row{"2001:db8:1:ffff::1", Limit::denied}, Row{"2001:db9::1", Limit::not_allowed},
        Row{"fe80::1", Limit::not_allowed}}) {
    CAPTURE(address);
    CHECK(door.knock(address) == limit);
  }
}

TEST_CASE("who may not ask takes no memory, however many ask, and uses up nobody's rate") {
  Door door;
  door.settings.deny = networks({"192.0.2.7"});
  for (int i = 0; i < 100; ++i) CHECK(door.knock("192.0.2.7") == Limit::denied);
  CHECK(door.rate.remembered() == 0);
  door.settings.deny.clear();
  CHECK(door.admitted("192.0.2.7", 50, start) == 10);
}

TEST_CASE("a busy address keeps its count among many quiet ones, which are forgotten two with each request") {
  Door door;
  const auto fill = [&](unsigned from, unsigned to, RequestRate::Clock::time_point now) {
    for (auto i = from; i < to; ++i)
      door.knock(fmt::format("10.{}.{}.{}", i >> 16, i >> 8 & 255, i & 255), now);
  };
  fill(0, 20'000, start);
  CHECK(door.rate.remembered() == 20'000);
  CHECK(door.admitted("192.0.2.7", 50, start + 2s) == 10);
  CHECK(door.rate.remembered() == 20'001);  // nobody was quiet for more than two seconds
  CHECK(door.admitted("192.0.2.7", 1, start + 3s) == 1);
  CHECK(door.rate.remembered() == 19'999);
  fill(30'000, 60'000, start + 3s);
  CHECK(door.rate.remembered() == 30'001);
  CHECK(door.admitted("192.0.2.7", 50, start + 3s) == 4);
}

TEST_CASE("a flood from forged addresses does not grow the memory of them") {
  Door door;
  for (unsigned i = 0; i < 150'000; ++i)
    door.rate.knock(net::ip::make_address_v4(0x0a000000U + i), door.settings, start);
  CHECK(door.rate.remembered() <= 100'000);
}
