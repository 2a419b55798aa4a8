#include "server/page/login_limits.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace server;
using namespace std::chrono_literals;

namespace {

const LoginLimits::Clock::time_point start = LoginLimits::Clock::time_point{} + 1h;
net::ip::address address(const std::string& text) { return net::ip::make_address(text); }

void fail(LoginLimits& limits, const std::string& from, LoginLimits::Clock::time_point now) {
  for (std::size_t i = 0; i < LoginLimits::most_each; ++i)
    CHECK_FALSE(limits.begin(address(from), false, now));
}

}  // namespace

TEST_CASE("after five failures an address waits, each time twice as long, 15 minutes at most") {
  LoginLimits limits;
  auto now = start;
  for (const auto expected : {60s, 120s, 240s, 480s, 900s, 900s}) {
    fail(limits, "192.0.2.7", now);
    const auto wait = limits.begin(address("192.0.2.7"), false, now);
    REQUIRE(wait);
    CHECK(*wait == expected);
    CHECK(limits.begin(address("192.0.2.7"), false, now + 1s) == expected - 1s);
    now += expected;
  }
}

TEST_CASE("others are not kept away, neighbours in a /64 are") {
  LoginLimits limits;
  fail(limits, "192.0.2.7", start);
  fail(limits, "2001:db8::1", start);
  CHECK(limits.begin(address("192.0.2.7"), false, start));
  CHECK_FALSE(limits.begin(address("192.0.2.8"), false, start));
  CHECK(limits.begin(address("2001:db8::ffff"), false, start));
  CHECK_FALSE(limits.begin(address("2001:db8:1::1"), false, start));
}

TEST_CASE("a login that succeeds is no failure, and a minute forgets") {
  LoginLimits limits;
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(limits.begin(address("192.0.2.7"), false, start));
    limits.succeeded(address("192.0.2.7"));
  }
  for (std::size_t i = 1; i < LoginLimits::most_each; ++i)
    CHECK_FALSE(limits.begin(address("192.0.2.7"), false, start));
  CHECK_FALSE(limits.begin(address("192.0.2.7"), false, start + 60s));
}

TEST_CASE("who has an account may not guess another's password without end") {
  LoginLimits limits;
  std::size_t guesses = 0;
  while (!limits.begin(address("192.0.2.7"), false, start)) {
    ++guesses;
    if (limits.begin(address("192.0.2.7"), false, start)) break;
    limits.succeeded(address("192.0.2.7"));
    REQUIRE(guesses < 100);
  }
  CHECK(guesses == LoginLimits::most_each);
}

TEST_CASE("all addresses together have 60 tries a minute, and a trusted one any number") {
  LoginLimits limits;
  for (std::size_t i = 0; i < LoginLimits::most; ++i)
    CHECK_FALSE(limits.begin(address("10.0.0." + std::to_string(i)), false, start));
  CHECK(limits.begin(address("192.0.2.7"), false, start + 1s) == 59s);
  CHECK_FALSE(limits.begin(address("192.0.2.7"), false, start + 60s));
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(limits.begin(address("192.0.2.8"), true, start));
}
