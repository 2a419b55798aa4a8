#include "server/ssh/patience.hpp"

#include <doctest/doctest.h>

using namespace server;
using namespace std::chrono_literals;

namespace {

struct Client {
  SshPatience patience;
  SshPatience::Seen seen{
      .packets = 10, .sent = 1000, .pending = false, .logged_in = true, .exchanging = false};
  SshPatience::Clock::time_point now{1h};

  std::string fault() { return patience.look(seen, now).value_or(""); }
  // Looks every 15 s, as a session does; how long until it must end.
  std::chrono::seconds lasts(std::chrono::seconds most) {
    for (auto passed = 0s; passed <= most; passed += 15s, now += 15s) {
      if (!fault().empty()) return passed;
    }
    return 0s;
  }
};

}  // namespace

TEST_CASE("who does not read what is sent is ended after two minutes, logged in or not") {
  for (const bool logged_in : {false, true}) {
    Client client;
    client.seen.logged_in = logged_in;
    client.seen.pending = true;
    CHECK(client.lasts(10min) == 120s);
    CHECK(client.fault() == "the client has read nothing for 2 minutes");
  }
}

TEST_CASE("who reads slowly stays") {
  Client client;
  client.seen.pending = true;
  for (int i = 0; i < 1000; ++i) {
    client.seen.sent += 100;
    client.now += 100s;
    REQUIRE(client.fault().empty());
  }
}

TEST_CASE("the time starts again when everything was read") {
  Client client;
  for (int i = 0; i < 100; ++i) {
    client.seen.pending = i % 2 == 0;
    client.seen.packets += 1;
    client.now += 90s;
    REQUIRE(client.fault().empty());
  }
}

TEST_CASE("a key exchange that nobody goes on with ends after two minutes") {
  Client client;
  CHECK(client.fault().empty());
  client.now += 1h - 15s;
  client.seen.packets += 1;
  client.seen.exchanging = true;
  CHECK(client.fault().empty());
  for (int i = 0; i < 12; ++i) {
    client.seen.packets += 1;  // what else he sends does not help him
    client.now += 15s;
    if (!client.fault().empty()) break;
  }
  CHECK(client.fault() == "a key exchange has taken 2 minutes");
}

TEST_CASE("who sends nothing for an hour is ended, and whoever keeps the connection alive stays") {
  Client client;
  CHECK(client.lasts(2h) == 3600s);
  CHECK(client.fault() == "the client has sent nothing for 60 minutes");

  Client alive;
  for (int i = 0; i < 100; ++i) {
    alive.seen.packets += 1;
    alive.now += 59min;
    REQUIRE(alive.fault().empty());
  }
}

TEST_CASE("who is being sent something need not say anything") {
  Client client;
  for (int i = 0; i < 100; ++i) {
    client.seen.sent += 1;
    client.now += 59min;
    REQUIRE(client.fault().empty());
  }
}

TEST_CASE("a packet whose end does not come ends its connection, and slow ones are no fault") {
  Client client;
  client.seen.amid = true;
  CHECK(client.lasts(1h) == 120s);
  CHECK(client.fault() == "a packet has taken 2 minutes");

  Client slow;
  slow.seen.amid = true;
  for (int i = 0; i < 100; ++i) {
    slow.seen.packets += 1;
    slow.now += 119s;
    REQUIRE(slow.fault().empty());
  }
}
