#include "server/tftp/limits.hpp"

#include <doctest/doctest.h>

#include <string>

#include "conf/load.hpp"
#include "server/events/tftp.hpp"

using namespace server;
using namespace std::chrono_literals;
using event::Limit;

namespace {

struct Door {
  conf::Tftp settings = conf::load_defaults().settings.tftp;
  TftpLimits limits;
  TftpLimits::Clock::time_point now{};
  std::size_t descriptors = 100'000, free_ports = 100'000;

  std::optional<Limit> knock(const char* address) {
    return limits.knock(net::ip::make_address(address), settings, now);
  }
  std::expected<TftpLimits::Id, Limit> enter(const char* address) {
    return limits.enter(net::ip::make_address(address), settings, descriptors, free_ports);
  }
  // Of a client that has answered.
  TftpLimits::Id serve(const char* address) {
    const auto id = enter(address).value();
    limits.answered(id);
    return id;
  }
  // And hangs since now.
  TftpLimits::Id leave(const char* address) {
    const auto id = serve(address);
    limits.hangs(id, now);
    return id;
  }
  std::optional<TftpLimits::Id> gives_way(const char* address, Limit limit, bool has_place = false) {
    return limits.gives_way(net::ip::make_address(address), limit, now, has_place);
  }
};

}  // namespace

TEST_CASE("a limit bites at its number, and lets in again when somebody has left") {
  Door door;
  door.settings.max_transfers = 4;
  door.settings.max_transfers_per_address = 2;
  const auto first = door.serve("192.0.2.1");
  door.serve("192.0.2.1");
  CHECK(door.enter("192.0.2.1").error() == Limit::transfers_per_address);
  door.serve("192.0.2.2");
  door.serve("192.0.2.3");
  CHECK(door.enter("192.0.2.4").error() == Limit::transfers);
  door.limits.left(first);
  CHECK(door.enter("192.0.2.1").error() == Limit::transfers_per_address);  // the last one is for the others
  CHECK(door.enter("192.0.2.4"));
}

TEST_CASE("one address leaves an eighth of the table and of the ports to others, and a /64 is one address") {
  Door door;
  door.settings.max_transfers = 16;
  door.settings.max_transfers_per_address = 16;
  for (int i = 1; i <= 14; ++i) door.serve(("2001:db8::" + std::to_string(i)).c_str());
  CHECK(door.enter("2001:db8::15").error() == Limit::transfers_per_address);
  CHECK(door.enter("2001:db8:0:1::1"));
  door.settings.max_transfers = 100;
  door.settings.port_range = {20'000, 20'002};
  door.free_ports = 3;
  door.serve("192.0.2.1");
  door.free_ports = 2;
  door.serve("192.0.2.1");
  door.free_ports = 1;
  CHECK(door.enter("192.0.2.1").error() == Limit::transfers_per_address);
  CHECK(door.enter("192.0.2.3"));
}

TEST_CASE("ports that clients hold who never answered count as free") {
  Door door;
  door.settings.port_range = {20'000, 20'002};
  door.serve("192.0.2.1");
  door.free_ports = 0;
  CHECK(door.enter("192.0.2.1").error() == Limit::transfers_per_address);
  for (const auto* forged : {"192.0.2.2", "192.0.2.3"})
    door.limits.waits(door.enter(forged).value(), door.now);
  CHECK(door.enter("192.0.2.1"));
  CHECK(door.gives_way("192.0.2.1", Limit::transfers, true));
}

TEST_CASE("a few addresses have not all: who has some leaves some to others") {
  Door door;
  door.settings.max_transfers = 80;
  door.settings.max_transfers_per_address = 40;
  std::size_t taken = 0;
  for (const auto* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"})
    while (const auto id = door.enter(address)) {
      door.limits.answered(*id);
      ++taken;
    }
  CHECK(taken > 70);
  CHECK(taken < 80);
  CHECK(door.enter("192.0.2.9"));
}

TEST_CASE("of a full table one that hangs gives way to who has none, the oldest one of who has most") {
  Door door;
  door.settings.max_transfers = 5;
  const auto single = door.leave("192.0.2.1");
  door.now += 1s;
  const auto first = door.leave("192.0.2.2");
  door.leave("192.0.2.2");
  door.serve("192.0.2.3");  // flows
  const auto own = door.leave("192.0.2.4");
  CHECK(door.enter("192.0.2.9").error() == Limit::transfers);
  CHECK_FALSE(door.gives_way("192.0.2.9", Limit::transfers));
  door.now += 9s;
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == single);  // alone in hanging for so long
  door.now += 1s;
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == first);
  CHECK_FALSE(door.gives_way("192.0.2.3", Limit::transfers));  // has one, and none that hangs
  CHECK(door.enter("192.0.2.4").error() == Limit::transfers_per_address);
  CHECK(door.gives_way("192.0.2.4", Limit::transfers_per_address) == own);
  door.limits.moves(first);
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) != first);
  door.limits.left(single);
  CHECK(door.enter("192.0.2.9"));
  CHECK(door.gives_way("192.0.2.9", Limit::transfers, true));  // it has its place, and lacks a port
}

TEST_CASE("where those that are looked up have their half of the table, one that hangs makes no room") {
  Door door;
  door.settings.max_transfers = 4;
  door.leave("192.0.2.1");
  door.enter("192.0.2.2").value();
  door.enter("192.0.2.3").value();
  door.now += 1min;
  CHECK(door.enter("192.0.2.9").error() == Limit::transfers);
  CHECK_FALSE(door.gives_way("192.0.2.9", Limit::transfers));
}

TEST_CASE("transfers leave half of the descriptors to others") {
  Door door;
  door.descriptors = 24;
  for (const auto* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}) door.serve(address);
  CHECK(door.enter("192.0.2.5").error() == Limit::transfers);
}

TEST_CASE("where uploads are allowed, each may take as many descriptors as they do") {
  Door door;
  door.settings.uploads = true;
  door.descriptors = 24;
  for (const auto* address : {"192.0.2.1", "192.0.2.2"}) door.serve(address);
  CHECK(door.enter("192.0.2.5").error() == Limit::transfers);
}

TEST_CASE("a full table gives way at the cost of the oldest that was never answered, of no other one") {
  Door door;
  door.settings.max_transfers = 4;
  door.serve("192.0.2.1");
  const auto looked_up = door.enter("192.0.2.2").value();
  CHECK_FALSE(door.gives_way("192.0.2.9", Limit::transfers));  // nobody waits for a client yet
  const auto waits = door.enter("192.0.2.3").value();
  door.limits.waits(waits, door.now);
  CHECK(door.enter("192.0.2.9").error() == Limit::transfers);  // half of the table is for who answers
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == waits);
  door.limits.waits(looked_up, door.now);
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == looked_up);
  door.limits.answered(looked_up);
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == waits);
  door.limits.left(waits);
  CHECK_FALSE(door.gives_way("192.0.2.9", Limit::transfers));
  CHECK(door.enter("192.0.2.9"));
}

TEST_CASE("of those that wait, the oldest one of the address of which most wait gives way") {
  Door door;
  door.settings.max_transfers = 8;
  const auto wait = [&](const char* address) {
    const auto id = door.enter(address).value();
    door.limits.waits(id, door.now);
    return id;
  };
  const auto device = wait("192.0.2.1");  // its acknowledgement is on its way
  const auto first = wait("192.0.2.2");
  wait("192.0.2.2");
  wait("192.0.2.3");
  CHECK(door.enter("192.0.2.9").error() == Limit::transfers);
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == first);
  door.limits.left(first);
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == device);
}

TEST_CASE("who has answered before keeps its place while strangers wait") {
  Door door;
  door.settings.max_transfers = 4;
  door.limits.left(door.serve("192.0.2.1"));
  const auto known = door.enter("192.0.2.1").value(), forged = door.enter("192.0.2.2").value();
  for (const auto id : {known, forged}) door.limits.waits(id, door.now);
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == forged);
  door.limits.left(forged);
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == known);
}

TEST_CASE("who has answered before and floods goes before a stranger") {
  Door door;
  door.settings.max_transfers = 8;
  door.limits.left(door.serve("192.0.2.1"));
  const auto device = door.enter("192.0.2.2").value(), flood = door.enter("192.0.2.1").value();
  for (const auto id : {device, flood, door.enter("192.0.2.1").value()}) door.limits.waits(id, door.now);
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == flood);
}

TEST_CASE("of the addresses that have answered the latest are remembered") {
  Door door;
  door.settings.max_transfers = 4;
  door.limits.left(door.serve("192.0.2.1"));
  for (int i = 0; i < 5000; ++i)
    door.limits.left(
        door.serve(("198.18." + std::to_string(i / 250) + '.' + std::to_string(i % 250)).c_str()));
  const auto forgotten = door.enter("192.0.2.1").value(), later = door.enter("198.18.19.200").value();
  for (const auto id : {later, forgotten}) door.limits.waits(id, door.now);
  CHECK(door.gives_way("192.0.2.9", Limit::transfers) == forgotten);
}

TEST_CASE("who meets his own limit gives way himself") {
  Door door;
  door.settings.max_transfers_per_address = 1;
  door.limits.waits(door.enter("192.0.2.1").value(), door.now);
  const auto own = door.enter("192.0.2.2").value();
  door.limits.waits(own, door.now);
  CHECK(door.enter("192.0.2.2").error() == Limit::transfers_per_address);
  door.now += 99ms;
  CHECK_FALSE(door.gives_way("192.0.2.2", Limit::transfers_per_address));  // its answer may be on its way
  door.now += 1ms;
  CHECK(door.gives_way("192.0.2.2", Limit::transfers_per_address) == own);
}

TEST_CASE("a place goes back with its holder") {
  Door door;
  const auto limits = std::make_shared<TftpLimits>();
  {
    TftpPlace place(limits, limits->enter(net::ip::make_address("192.0.2.1"), door.settings, 1000).value());
    place.waits(door.now);
    const auto moved = std::move(place);
    CHECK(limits->transfers() == 1);
  }
  CHECK(limits->transfers() == 0);
}

TEST_CASE("so many requests a second, with a burst of two seconds' worth, each address for itself") {
  Door door;
  door.settings.max_requests_per_second = 10;
  for (int i = 0; i < 20; ++i) CHECK_FALSE(door.knock("2001:db8::1"));
  CHECK(door.knock("2001:db8::2") == Limit::requests_per_second);
  CHECK_FALSE(door.knock("192.0.2.2"));
  door.now += 500ms;
  for (int i = 0; i < 5; ++i) CHECK_FALSE(door.knock("2001:db8::1"));
  CHECK(door.knock("2001:db8::1") == Limit::requests_per_second);
}

TEST_CASE("deny wins over allow, and an empty allow is everybody") {
  Door door;
  CHECK_FALSE(door.knock("198.51.100.1"));
  door.settings.deny = {*conf::parse_network("198.51.100.0/24"), *conf::parse_network("2001:db8:1::/48")};
  CHECK(door.knock("198.51.100.1") == Limit::denied);
  CHECK(door.knock("::ffff:198.51.100.1") == Limit::denied);
  CHECK(door.knock("2001:db8:1::7") == Limit::denied);
  CHECK_FALSE(door.knock("192.0.2.1"));
  door.settings.allow = {*conf::parse_network("192.0.2.0/24"), *conf::parse_network("198.51.100.0/24")};
  CHECK_FALSE(door.knock("192.0.2.1"));
  CHECK(door.knock("198.51.100.1") == Limit::denied);
  CHECK(door.knock("203.0.113.1") == Limit::not_allowed);
  CHECK(door.knock("2001:db8::1") == Limit::not_allowed);
}

TEST_CASE("forged addresses are forgotten, running transfers are not") {
  Door door;
  door.settings.max_transfers_per_address = 1;
  door.serve("192.0.2.1");
  for (unsigned i = 0; i < 50'000; ++i) {
    door.limits.knock(net::ip::make_address_v4(0x0a000000U + i), door.settings, door.now);
    door.now += 1ms;
  }
  CHECK(door.limits.remembered() < 30'000);
  CHECK(door.enter("192.0.2.1").error() == Limit::transfers_per_address);
}
