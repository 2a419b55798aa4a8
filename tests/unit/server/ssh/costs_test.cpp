#include "server/ssh/costs.hpp"

#include <doctest/doctest.h>

using namespace server;
using namespace std::chrono_literals;

namespace {

const auto one = net::ip::make_address("192.0.2.1"), two = net::ip::make_address("192.0.2.2");

}  // namespace

TEST_CASE("whoever makes libssh compute for long costs much for ten seconds, and no one else") {
  SshCosts costs;
  SshCosts::Clock::time_point now{1h};
  costs.took(one, 5ms, now);
  CHECK_FALSE(costs.are_high(one, now));
  costs.took(one, 6ms, now);
  CHECK(costs.are_high(one, now));
  CHECK_FALSE(costs.are_high(two, now));
  now += 9s;
  costs.took(one, 1ms, now);
  CHECK(costs.are_high(one, now));
  now += 1s;
  CHECK_FALSE(costs.are_high(one, now));
}

TEST_CASE("what cost much is forgotten when too many did") {
  SshCosts costs;
  SshCosts::Clock::time_point now{1h};
  for (unsigned i = 0; i < 20'000; ++i) {
    const net::ip::address address = net::ip::make_address_v4(0x0a000000U + i);
    costs.took(address, 10ms, now);
    REQUIRE(costs.are_high(address, now));
  }
  CHECK(costs.remembered() <= 4096);
}
