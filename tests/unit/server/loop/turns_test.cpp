#include "server/loop/turns.hpp"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

using namespace server;

namespace {

struct Queue {
  Turns turns{2, 4};
  std::multimap<char, Turns::Turn> running;
  std::string begun;
  Queue() = default;
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue() { turns.clear(); }  // or the end of `running` would begin others, in what is being destroyed
  static net::ip::address address(char name) {
    return net::ip::make_address(std::string("192.0.2.") + std::to_string(name - 'a' + 1));
  }
  void wait(char name) {
    turns.wait(address(name), [this, name](Turns::Turn turn) {
      begun += name;
      running.emplace(name, std::move(turn));
    });
  }
  void leave(char name) {
    const auto over = running.extract(running.find(name));  // out of the way of what begins with its end
    REQUIRE(over);
  }
};

}  // namespace

TEST_CASE("an address has a few turns at a time, and the rest waits without being in others' way") {
  Queue queue;
  for (int i = 0; i < 5; ++i) queue.wait('a');
  CHECK(queue.begun == "aa");
  queue.wait('b');
  queue.wait('c');
  CHECK(queue.begun == "aabc");
  CHECK(queue.turns.waiting() == 3);
  queue.leave('a');
  CHECK(queue.begun == "aabca");
}

TEST_CASE("when all turns are taken, the addresses that wait begin one after another") {
  Queue queue;
  for (const char each : {'a', 'a', 'b', 'b', 'b', 'b', 'c', 'd', 'a'}) queue.wait(each);
  CHECK(queue.begun == "aabb");
  queue.leave('b');
  CHECK(queue.begun == "aabbc");
  queue.leave('a');
  CHECK(queue.begun == "aabbcd");
  queue.leave('c');
  CHECK(queue.begun == "aabbcda");
  queue.leave('d');
  CHECK(queue.begun == "aabbcdab");
}

TEST_CASE("who does not want to wait is told, and nobody overtakes who waits") {
  Queue queue;
  const auto a = Queue::address('a'), b = Queue::address('b');
  auto first = queue.turns.enter(a);
  const auto second = queue.turns.enter(a), third = queue.turns.enter(b);
  CHECK((first && second && third));
  CHECK_FALSE(queue.turns.enter(a));
  queue.wait('a');
  queue.wait('c');
  CHECK_FALSE(queue.turns.enter(b));  // the fourth is taken
  first.reset();
  CHECK(queue.begun == "ca");
  CHECK_FALSE(queue.turns.enter(a));
}

TEST_CASE("networks of IPv6 count as one, and a turn may be over before it begins") {
  Turns turns(1, 10);
  const auto near = net::ip::make_address("2001:db8::1"), next = net::ip::make_address("2001:db8::2");
  auto turn = turns.enter(near);
  REQUIRE(turn);
  int begun = 0;
  for (int i = 0; i < 10'000; ++i) turns.wait(next, [&](const Turns::Turn&) { ++begun; });
  CHECK(begun == 0);
  turn.reset();
  CHECK(begun == 10'000);
  CHECK(turns.waiting() == 0);
}

TEST_CASE("who waits is forgotten, and a turn that runs ends all the same") {
  Queue queue;
  for (int i = 0; i < 3; ++i) queue.wait('a');
  queue.turns.clear();
  CHECK(queue.turns.waiting() == 0);
  queue.leave('a');
  CHECK(queue.begun == "aa");
  queue.wait('a');
  CHECK(queue.begun == "aaa");
}
