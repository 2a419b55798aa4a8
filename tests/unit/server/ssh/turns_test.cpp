#include "server/ssh/turns.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace server;
using namespace std::chrono_literals;

namespace {

const auto many = net::ip::make_address("192.0.2.1"), other = net::ip::make_address("192.0.2.2");

struct Guest final : SshTurns::Guest, std::enable_shared_from_this<Guest> {
  Guest(SshTurns& queue, net::ip::address from, char letter, std::string& told)
      : turns(queue), source(std::move(from)), name(letter), order(told) {}
  void ask() { turns.ask(source, shared_from_this()); }
  void take_turn(SshTurns::Time end) noexcept override {
    order += name;
    last_end = end;
    if (greedy) {
      while (std::chrono::steady_clock::now() < end) continue;
    }
    if (--wanted > 0) ask();
  }

  SshTurns& turns;
  const net::ip::address source;
  const char name;
  std::string& order;
  int wanted = 1;
  bool greedy = false;
  SshTurns::Time last_end;
};

struct Room {
  net::io_context loop;
  SshTurns turns{loop};
  std::string order;
  std::vector<std::shared_ptr<Guest>> guests;

  Guest& add(const net::ip::address& source, char name) {
    guests.push_back(std::make_shared<Guest>(turns, source, name, order));
    return *guests.back();
  }
};

}  // namespace

TEST_CASE("an address has its turn among the first, however many connections another has") {
  Room room;
  for (int i = 0; i < 40; ++i) room.add(many, 'm').ask();
  room.add(other, 'o').ask();
  room.loop.run();
  CHECK(room.order.size() == 41);
  CHECK(room.order.find('o') == 1);
}

TEST_CASE("whoever waits for the loop comes between two turns, however many connections there are") {
  Room room;
  for (int i = 0; i < 5; ++i) {
    auto& guest = room.add(many, 'm');
    guest.greedy = true;
    guest.wanted = 2;
    guest.ask();
  }
  std::string seen;
  room.loop.run_one();  // the first turn; what others want is posted behind it
  net::post(room.loop, [&] { seen = room.order; });
  room.loop.run();
  CHECK(seen == "mm");
  CHECK(room.order == "mmmmmmmmmm");
}

TEST_CASE("whoever asks in his turn is served again") {
  Room room;
  auto& guest = room.add(many, 'm');
  guest.wanted = 3;
  guest.ask();
  room.loop.run();
  CHECK(room.order == "mmm");
}

TEST_CASE("who waits is forgotten and kept no longer") {
  Room room;
  auto guest = std::make_shared<Guest>(room.turns, many, 'm', room.order);
  guest->ask();
  CHECK(guest.use_count() == 2);
  room.turns.clear();
  CHECK(guest.use_count() == 1);
  room.loop.run();
  CHECK(room.order.empty());
}
