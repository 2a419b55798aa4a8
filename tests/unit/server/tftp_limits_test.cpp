#include "server/tftp_limits.hpp"

#include <doctest/doctest.h>

#include "conf/load.hpp"

using namespace server;
using namespace std::chrono_literals;
using event::Limit;

namespace {

struct Door {
  conf::Tftp settings = conf::load_defaults().settings.tftp;
  TftpLimits limits;
  TftpLimits::Clock::time_point now{};

  std::optional<Limit> enter(const char* address) {
    return limits.enter(net::ip::make_address(address), settings, now);
  }
  void leave(const char* address) { limits.left(net::ip::make_address(address)); }
};

}  // namespace

TEST_CASE("a limit bites at its number, and lets in again when somebody has left") {
  Door door;
  door.settings.max_transfers = 3;
  door.settings.max_transfers_per_address = 2;
  CHECK_FALSE(door.enter("192.0.2.1"));
  CHECK_FALSE(door.enter("192.0.2.1"));
  CHECK(door.enter("192.0.2.1") == Limit::transfers_per_address);
  CHECK_FALSE(door.enter("192.0.2.2"));
  CHECK(door.enter("192.0.2.3") == Limit::transfers);
  door.leave("192.0.2.1");
  CHECK_FALSE(door.enter("192.0.2.1"));
}

TEST_CASE("so many requests a second, with a burst of two seconds' worth, each address for itself") {
  Door door;
  door.settings.max_requests_per_second = 10;
  for (int i = 0; i < 20; ++i) CHECK_FALSE(door.enter("192.0.2.1"));
  CHECK(door.enter("192.0.2.1") == Limit::requests_per_second);
  CHECK_FALSE(door.enter("192.0.2.2"));
  door.now += 500ms;
  for (int i = 0; i < 5; ++i) CHECK_FALSE(door.enter("192.0.2.1"));
  CHECK(door.enter("192.0.2.1") == Limit::requests_per_second);
}

TEST_CASE("deny wins over allow, and an empty allow is everybody") {
  Door door;
  CHECK_FALSE(door.enter("198.51.100.1"));
  door.settings.deny = {*conf::parse_network("198.51.100.0/24"), *conf::parse_network("2001:db8:1::/48")};
  CHECK(door.enter("198.51.100.1") == Limit::denied);
  CHECK(door.enter("::ffff:198.51.100.1") == Limit::denied);
  CHECK(door.enter("2001:db8:1::7") == Limit::denied);
  CHECK_FALSE(door.enter("192.0.2.1"));
  door.settings.allow = {*conf::parse_network("192.0.2.0/24"), *conf::parse_network("198.51.100.0/24")};
  CHECK_FALSE(door.enter("192.0.2.1"));
  CHECK(door.enter("198.51.100.1") == Limit::denied);
  CHECK(door.enter("203.0.113.1") == Limit::not_allowed);
  CHECK(door.enter("2001:db8::1") == Limit::not_allowed);
}

TEST_CASE("forged addresses are forgotten, running transfers are not") {
  Door door;
  door.settings.max_transfers_per_address = 1;
  CHECK_FALSE(door.enter("192.0.2.1"));
  for (unsigned i = 0; i < 50'000; ++i) {
    const auto address = net::ip::make_address_v4(0x0a000000U + i);
    if (!door.limits.enter(address, door.settings, door.now)) door.limits.left(address);
    door.now += 1ms;
  }
  CHECK(door.limits.remembered() < 30'000);
  CHECK(door.enter("192.0.2.1") == Limit::transfers_per_address);
}
