#include "server/ssh/limits.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "conf/load.hpp"
#include "server/events/ssh.hpp"

using namespace server;
using namespace std::chrono_literals;
using event::Offence;
using event::SshLimit;

namespace {

struct Door {
  conf::Ssh settings = conf::load_defaults().settings.ssh;
  SshLimits limits;
  SshLimits::Clock::time_point now{1h};
  unsigned chance = 99;

  static net::ip::address at(const std::string& address) { return net::ip::make_address(address); }

  // Nothing: it is in.
  std::optional<SshLimits::Refusal> refusal(const std::string& address) {
    return limits.enter(at(address), settings, chance, now);
  }
  bool enter(const std::string& address) { return !refusal(address); }
  // Why not, told or not: the time until the log has room again passes.
  std::optional<SshLimit> limit(const std::string& address) {
    const auto refused = refusal(address);
    if (!refused) return {};
    if (refused->tell) return refused->tell->limit;
    now += 11s;
    return refusal(address).value().tell.value().limit;
  }
  void log_in(const std::string& address, const std::string& user = "ewc") {
    limits.logged_in(at(address), user, now);
  }
  void leave(const std::string& address) { limits.left(at(address), {}, "ewc", settings, now); }
  auto leave(const std::string& address, Offence offence, const std::string& user = "ewc") {
    return limits.left(at(address), offence, user, settings, now);
  }
  auto offend(const std::string& address, Offence offence, const std::string& user = "ewc") {
    REQUIRE(enter(address));
    return leave(address, offence, user);
  }
  bool has_room(const std::string& address, const std::string& user) {
    return limits.has_room(at(address), user, settings);
  }
  // How many sessions `user` gets there.
  int fill(const std::string& address, const std::string& user) {
    for (int count = 0;; ++count) {
      if (!enter(address)) return count;
      if (has_room(address, user)) {
        log_in(address, user);
      } else {
        limits.gone(at(address), nullptr);
        return count;
      }
    }
  }
  bool judges(const std::string& address, const std::string& user) {
    return limits.judges(at(address), user, now);
  }
  auto fail(const std::string& address, int tries = 1) {
    return limits.failed(at(address), tries, settings, now);
  }
};

constexpr auto device = "192.0.2.1", other = "192.0.2.2", nat = "198.51.100.1";

}  // namespace

TEST_CASE("by default sixteen logins at once from one address are no trouble") {
  Door door;
  door.chance = 0;
  for (int i = 0; i < 16; ++i) CHECK(door.enter(nat));
  for (int i = 0; i < 16; ++i) door.log_in(nat);
  for (int i = 0; i < 16; ++i) door.leave(nat);
  CHECK(door.enter(nat));
}

TEST_CASE("silent connections of one address keep no other out, whatever the dice say") {
  Door door;
  door.chance = 0;
  for (int i = 0; i < 200; ++i) CHECK(door.enter(nat) == (i < 50));
  CHECK(door.limit(nat) == SshLimit::unauthenticated_per_address);
  for (int i = 0; i < 16; ++i) CHECK(door.enter(device));
}

TEST_CASE("whoever has logged in leaves room for the next") {
  Door door;
  door.settings.max_unauthenticated_per_address = 1;
  CHECK(door.enter(device));
  CHECK_FALSE(door.enter(device));
  door.log_in(device);
  CHECK(door.enter(device));
  door.leave(device, Offence::no_login);
  CHECK(door.enter(device));
}

TEST_CASE("above start more and more are dropped at random, and all at full") {
  Door door;
  door.settings.max_unauthenticated = {10, 30, 20};
  CHECK(door.enter(nat));
  for (int i = 1; i < 10; ++i) CHECK(door.enter("192.0.2." + std::to_string(i)));
  door.chance = 29;
  CHECK(door.limit(nat) == SshLimit::unauthenticated);
  door.chance = 30;
  CHECK(door.enter(nat));
  door.leave(nat, Offence::no_login);
  CHECK(door.enter("192.0.2.10"));
  door.chance = 36;
  CHECK_FALSE(door.enter(nat));
  door.chance = 99;
  for (int i = 11; i < 20; ++i) CHECK(door.enter("192.0.2." + std::to_string(i)));
  CHECK(door.limit(nat) == SshLimit::unauthenticated);
  CHECK(door.limit("203.0.113.1") == SshLimit::unauthenticated);
}

TEST_CASE("silent connections of several addresses keep no stranger out, whatever the dice say") {
  Door door;
  door.chance = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 6; ++i) door.enter("192.0.2." + std::to_string(i));
  }
  for (int i = 0; i < 20; ++i) {
    CHECK(door.enter("203.0.113." + std::to_string(i)));
    door.log_in("203.0.113." + std::to_string(i));
  }
}

TEST_CASE("many addresses with as many silent connections as they get leave room for others") {
  Door door;
  for (int i = 0; i < 20; ++i) {
    while (door.enter("192.0.2." + std::to_string(i))) continue;
    door.now += 11s;
  }
  for (int i = 0; i < 5; ++i) CHECK(door.enter("203.0.113." + std::to_string(i)));
}

TEST_CASE("sessions have a bound in all, which holds for the trusted too, and one per address") {
  Door door;
  door.settings.max_sessions = 3;
  door.settings.max_sessions_per_address = 2;
  for (int i = 0; i < 2; ++i) {
    CHECK(door.enter(device));
    door.log_in(device);
  }
  CHECK(door.limit(device) == SshLimit::sessions_per_address);
  door.settings.trusted = {*conf::parse_network("192.0.2.0/24")};
  CHECK(door.enter(device));
  CHECK(door.limit(device) == SshLimit::sessions);
  CHECK(door.limit(other) == SshLimit::sessions);
}

TEST_CASE("a few addresses have not all sessions: who has much leaves a seventh as many") {
  Door door;
  door.settings.max_sessions = 16;
  CHECK(door.fill(nat, "ewc") == 14);
  CHECK(door.limit(nat) == SshLimit::sessions);
  CHECK(door.fill(device, "ewc") == 1);
  CHECK(door.fill(other, "ewc") == 1);
  CHECK(door.limit("203.0.113.1") == SshLimit::sessions);
}

TEST_CASE("an account leaves a seventh as many sessions, and has one from each address all the same") {
  Door door;
  door.settings.max_sessions = 100;
  door.settings.max_sessions_per_address = 50;
  CHECK(door.fill(device, "mallory") == 50);
  CHECK(door.fill(other, "mallory") == 37);
  CHECK(door.fill(nat, "mallory") == 1);
  REQUIRE(door.enter(nat));
  CHECK_FALSE(door.has_room(nat, "mallory"));
  CHECK(door.has_room(nat, "ewc"));
  SUBCASE("from a trusted network it may have more") {
    door.settings.trusted = {*conf::parse_network("198.51.100.0/24")};
    CHECK(door.has_room(nat, "mallory"));
  }
  SUBCASE("what it gives back it may have again") {
    for (int i = 0; i < 50; ++i)
      CHECK_FALSE(door.limits.left(Door::at(device), {}, "mallory", door.settings, door.now));
    CHECK(door.has_room(nat, "mallory"));
  }
}

TEST_CASE("the answer to a failure is held back, longer each time, and after a rest no more") {
  Door door;
  for (const auto delay : {0ms, 500ms, 1000ms, 2000ms, 4000ms, 4000ms, 4000ms})
    CHECK(door.fail(device) == delay);
  CHECK(door.fail(other) == 0s);
  CHECK(door.fail(other, 5) == 4s);  // the connection's own tries count too
  door.now += 1min;
  CHECK(door.fail(device) == 0s);
}

TEST_CASE("a trusted address is held back for the tries of that connection only") {
  Door door;
  door.settings.trusted = {*conf::parse_network("192.0.2.1")};
  for (int i = 0; i < 10; ++i) CHECK(door.fail(device) == 0s);
  CHECK(door.fail(device, 3) == 1s);
}

TEST_CASE("a penalty adds up, begins once, bars its address and expires") {
  Door door;
  CHECK_FALSE(door.offend(device, Offence::failed_login));
  CHECK_FALSE(door.offend(device, Offence::failed_login));
  const auto begun = door.offend(device, Offence::failed_login);
  REQUIRE(begun);
  CHECK(begun->period == 15s);
  CHECK(begun->offence == Offence::failed_login);
  const auto refused = door.refusal(device);
  REQUIRE(refused);
  CHECK(refused->tell.value().limit == SshLimit::penalty);
  CHECK(refused->tell.value().offence == Offence::failed_login);
  CHECK(door.enter(other));
  door.now += 15s;
  CHECK(door.enter(device));
}

TEST_CASE("three failures within a second are a penalty, also when they are not at the same instant") {
  Door door;
  CHECK_FALSE(door.offend(device, Offence::failed_login));
  door.now += 500ms;
  CHECK_FALSE(door.offend(device, Offence::failed_login));
  door.now += 499ms;
  const auto begun = door.offend(device, Offence::failed_login);
  REQUIRE(begun);
  CHECK(begun->period == 15s);
}

TEST_CASE("what is spread over time is no penalty") {
  Door door;
  for (int i = 0; i < 1000; ++i) {
    CHECK_FALSE(door.offend(device, Offence::no_login));  // a health check
    door.now += 1s;
  }
}

TEST_CASE("a penalty has an end, however many connections earn it") {
  Door door;
  for (int i = 0; i < 40; ++i) CHECK(door.enter(device));
  for (int i = 0; i < 40; ++i) door.leave(device, Offence::login_grace);
  for (int i = 0; i < 3; ++i) CHECK(door.limit(device) == SshLimit::penalty);
  door.now += 600s;
  CHECK(door.enter(device));
}

TEST_CASE("no penalty for the trusted") {
  Door door;
  door.settings.trusted = {*conf::parse_network("198.51.100.0/24")};
  for (int i = 0; i < 100; ++i) CHECK_FALSE(door.offend(nat, Offence::failed_login));
  CHECK(door.enter(nat));
  CHECK(door.judges(nat, "ewc"));
}

TEST_CASE("an account that has logged in within the hour may fail, so many times between two logins") {
  Door door;
  CHECK(door.enter(device));
  door.log_in(device);
  door.leave(device);
  for (int i = 0; i < 20; ++i) CHECK_FALSE(door.offend(device, Offence::failed_login));
  CHECK(door.enter(device));
  door.log_in(device);
  door.leave(device);
  for (int i = 0; i < 22; ++i) CHECK_FALSE(door.offend(device, Offence::failed_login));
  CHECK(door.offend(device, Offence::failed_login));
}

TEST_CASE("an account vouches for itself alone: guesses at others are refused, and it goes on") {
  Door door;
  CHECK(door.enter(nat));
  door.log_in(nat, "mallory");
  door.leave(nat);
  for (int i = 0; i < 2; ++i) CHECK_FALSE(door.offend(nat, Offence::failed_login, "ewc"));
  CHECK(door.judges(nat, "ewc"));
  CHECK(door.offend(nat, Offence::failed_login, "ewc"));
  CHECK(door.enter(nat));
  CHECK_FALSE(door.judges(nat, "ewc"));
  CHECK(door.judges(nat, "mallory"));
  CHECK(door.judges(device, "ewc"));
  door.now += 15s;
  CHECK(door.judges(nat, "ewc"));
}

TEST_CASE("behind a NAT one wrong controller locks none of those out that log in") {
  Door door;
  const std::vector<std::string> controllers{"one", "two", "three"};
  for (int minute = 0; minute < 300; ++minute) {
    for (const auto& controller : controllers) {
      REQUIRE(door.enter(nat));
      REQUIRE(door.judges(nat, controller));
      door.log_in(nat, controller);
      door.leave(nat);
    }
    for (int i = 0; i < 30; ++i) {
      if (door.enter(nat)) door.leave(nat, Offence::failed_login, "wrong");
    }
    door.now += 1min;
  }
  CHECK_FALSE(door.judges(nat, "wrong"));
}

TEST_CASE("nobody is vouched for an hour after the last login") {
  Door door;
  CHECK(door.enter(device));
  door.log_in(device);
  door.leave(device);
  for (int i = 0; i < 10; ++i) door.offend(device, Offence::no_login);
  CHECK(door.enter(device));
  door.leave(device, Offence::no_login);
  door.now += 1h;
  for (int i = 0; i < 2; ++i) CHECK_FALSE(door.offend(device, Offence::failed_login));
  CHECK(door.offend(device, Offence::failed_login));
  CHECK(door.limit(device) == SshLimit::penalty);
}

TEST_CASE("trusted networks keep a tenth of all sessions") {
  Door door;
  door.settings.max_sessions = 20;
  door.settings.trusted = {*conf::parse_network("198.51.100.0/24")};
  for (int i = 0; i < 18; ++i) {
    const auto address = "192.0.2." + std::to_string(i);
    CHECK(door.enter(address));
    door.log_in(address);
  }
  CHECK(door.limit("192.0.2.99") == SshLimit::sessions);
  for (int i = 0; i < 2; ++i) CHECK(door.enter(nat));
  CHECK(door.limit(nat) == SshLimit::sessions);
}

TEST_CASE("a place is given back when its connection goes, whatever happened") {
  Door door;
  door.settings.max_unauthenticated_per_address = 1;
  door.settings.max_sessions_per_address = 1;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(door.enter(device));
    SshPlace place(door.limits, Door::at(device));
    SshPlace moved(std::move(place));
    if (i == 1) moved.logged_in("ewc", door.now);
    if (i == 2) CHECK_FALSE(moved.leave(Offence::no_login, "", door.settings, door.now));
    if (i == 3) CHECK_FALSE(moved.leave({}, "", door.settings, door.now));  // nobody had logged in
  }
  CHECK(door.enter(device));
}

TEST_CASE("drops of one address are told every ten seconds, with the number of those that were not") {
  Door door;
  door.settings.max_unauthenticated_per_address = 1;
  CHECK(door.enter(device));
  CHECK(door.refusal(device).value().tell);
  for (int i = 0; i < 7; ++i) CHECK_FALSE(door.refusal(device).value().tell);
  door.now += 10s;
  CHECK(door.refusal(device).value().tell.value().untold == 7);
}

TEST_CASE("drops of many addresses do not fill the log either") {
  Door door;
  door.settings.max_sessions = 1;
  CHECK(door.enter(device));
  int told = 0;
  for (int i = 0; i < 200; ++i) told += door.refusal("203.0.113." + std::to_string(i)).value().tell ? 1 : 0;
  CHECK(told == 20);
}

TEST_CASE("addresses are forgotten, connections are not") {
  Door door;
  door.settings.max_unauthenticated_per_address = 1;
  CHECK(door.enter(device));
  for (unsigned i = 0; i < 60'000; ++i) {
    const auto address = net::ip::make_address_v4(0x0a000000U + i).to_string();
    if (door.enter(address)) door.leave(address, Offence::failed_login);
    door.now += 1ms;
  }
  CHECK(door.limits.remembered() < 30'000);
  CHECK(door.limit(device) == SshLimit::unauthenticated_per_address);
}

TEST_CASE("an IPv6 host that changes its address within its network is still the same one") {
  Door door;
  door.settings.max_unauthenticated_per_address = 1;
  CHECK(door.enter("2001:db8:1:2::1"));
  CHECK(door.limit("2001:db8:1:2:ffff::2") == SshLimit::unauthenticated_per_address);
  CHECK(door.enter("2001:db8:1:3::1"));
  door.leave("2001:db8:1:2:aaaa::9", Offence::no_login);
  CHECK(door.enter("2001:db8:1:2::5"));
}

TEST_CASE("neighbours of one link are not one host, and neither are IPv4 addresses in IPv6's form") {
  Door door;
  door.settings.max_unauthenticated_per_address = 1;
  CHECK(door.enter("fe80::1"));
  CHECK(door.enter("fe80::2"));
  CHECK(door.enter("::ffff:192.0.2.1"));
  CHECK(door.enter("::ffff:192.0.2.2"));
}

TEST_CASE("a failure counts for ten seconds towards the next delay, and a part of it in between") {
  Door door;
  CHECK(door.fail(device) == 0s);
  door.now += 9s;
  CHECK(door.fail(device) == 500ms);
  door.now += 12s;
  CHECK(door.fail(device) == 0s);
  for (int i = 0; i < 10; ++i) door.fail(device);
  door.now += 20s;
  CHECK(door.fail(device) == 2s);  // of the five that count at most three are left
}

TEST_CASE("a trusted address is refused by the bound of all sessions alone") {
  Door door;
  door.settings.trusted = {*conf::parse_network("198.51.100.0/24")};
  door.settings.max_unauthenticated = {0, 100, 1};
  door.settings.max_unauthenticated_per_address = 1;
  door.settings.max_sessions_per_address = 1;
  door.settings.max_sessions = 30;
  for (int i = 0; i < 30; ++i) CHECK(door.enter(nat));
  CHECK(door.limit(nat) == SshLimit::sessions);
}

TEST_CASE("the log has room again ten seconds later, and the drops in between are added up") {
  Door door;
  door.settings.max_sessions = 1;
  CHECK(door.enter(device));
  const auto told_of = [&](int first) {
    int told = 0;
    for (int i = first; i < first + 30; ++i)
      told += door.refusal("203.0.113." + std::to_string(i)).value().tell ? 1 : 0;
    return told;
  };
  CHECK(told_of(0) == 20);
  door.now += 9s;
  CHECK(told_of(100) == 0);
  door.now += 1s;
  CHECK(door.refusal("203.0.113.25").value().tell.value().untold == 1);
  CHECK(told_of(200) == 19);
}

TEST_CASE("a thousand accounts of one address are vouched for, and no more until an hour has passed") {
  Door door;
  const auto log_in = [&](const std::string& user) {
    REQUIRE(door.enter(nat));
    door.log_in(nat, user);
    door.leave(nat);
  };
  for (int i = 0; i < 1000; ++i) log_in("u" + std::to_string(i));
  log_in("late");
  for (int i = 0; i < 3; ++i) door.offend(nat, Offence::failed_login, "stranger");
  CHECK(door.judges(nat, "u0"));
  CHECK(door.judges(nat, "u999"));
  CHECK_FALSE(door.judges(nat, "late"));
  door.now += 1h;
  log_in("late");
  for (int i = 0; i < 3; ++i) door.offend(nat, Offence::failed_login, "stranger");
  CHECK(door.judges(nat, "late"));
  CHECK_FALSE(door.judges(nat, "u0"));
}
