#include "server/ssh/chatter.hpp"

#include <doctest/doctest.h>

using namespace server;
using namespace std::chrono_literals;

namespace {

struct Client {
  SshChatter chatter;
  SshChatter::Seen seen;
  SshChatter::Clock::time_point now{1h};

  bool stays() { return !chatter.look(seen, now); }
  void log_in() {
    seen.logged_in = true;
    REQUIRE(stays());
  }
};

}  // namespace

TEST_CASE("before a login some dozens of packets that reach nobody are borne") {
  Client client;
  client.seen.packets = 40;
  CHECK(client.stays());
  client.seen.packets = 41;
  CHECK(client.chatter.look(client.seen, client.now) == "too many packets that are no login");
}

TEST_CASE("before a login no time makes room for more") {
  Client client;
  for (int i = 0; i < 41; ++i) {
    CHECK(client.stays());
    ++client.seen.packets;
    client.now += 1s;
  }
  CHECK_FALSE(client.stays());
}

TEST_CASE("requests to log in have a bound of their own") {
  Client client;
  client.seen.packets = 60;
  client.seen.taken = 50;
  CHECK(client.stays());
}

TEST_CASE("ten channels that upload for an hour are no chatter") {
  Client client;
  client.log_in();
  for (int i = 0; i < 3600; ++i) {
    client.seen.packets += 40'000;
    client.seen.taken += 40'000;
    client.now += 1s;
    REQUIRE(client.stays());
  }
}

TEST_CASE("a download at full speed with the smallest window adjusts there are is no chatter") {
  Client client;
  client.log_in();
  for (int i = 0; i < 3600; ++i) {
    client.seen.sent += 1 << 30;
    client.seen.packets += (1 << 30) / (4 << 10);
    client.now += 1s;
    REQUIRE(client.stays());
  }
}

TEST_CASE("keep-alives and channels that come and go are no chatter") {
  Client client;
  client.log_in();
  for (int i = 0; i < 3600; ++i) {
    client.seen.packets += 300;
    client.seen.taken += 200;
    client.now += 1s;
    REQUIRE(client.stays());
  }
}

TEST_CASE("a flood of packets that ask for nothing ends") {
  Client client;
  client.log_in();
  int seconds = 0;
  while (client.stays() && seconds < 3600) {
    client.seen.packets += 2000;
    client.now += 1s;
    ++seconds;
  }
  CHECK(seconds <= 5);
  CHECK(client.chatter.look(client.seen, client.now) == "too many packets that ask for nothing");
}

TEST_CASE("in a key exchange nothing else is borne for long") {
  Client client;
  client.seen.packets = 30;
  client.log_in();
  client.seen.exchanging = true;
  client.seen.packets = 31;
  CHECK(client.stays());
  client.seen.packets = 71;
  CHECK(client.stays());
  client.seen.packets = 72;
  CHECK(client.chatter.look(client.seen, client.now) ==
        "too many packets in a key exchange that are not of it");
}

TEST_CASE("each key exchange counts for itself") {
  Client client;
  client.log_in();
  for (int i = 0; i < 100; ++i) {
    client.seen.exchanging = true;
    client.seen.packets += 1;
    REQUIRE(client.stays());
    client.seen.packets += 3;
    REQUIRE(client.stays());
    client.seen.exchanging = false;
    REQUIRE(client.stays());
  }
}
