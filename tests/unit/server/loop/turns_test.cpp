#include "server/loop/turns.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace server;

namespace {

struct Queue {
  Turns turns{2, 4};
  std::string begun;
  static net::ip::address address(char name) {
    return net::ip::make_address(std::string("192.0.2.") + std::to_string(name - 'a' + 1));
  }
  void wait(char name) {
    turns.wait(address(name), [this, name] { begun += name; });
  }
  void leave(char name) { turns.leave(address(name)); }
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
  CHECK(queue.turns.enter(a));
  CHECK(queue.turns.enter(a));
  CHECK_FALSE(queue.turns.enter(a));
  CHECK(queue.turns.enter(b));
  queue.wait('a');
  queue.wait('c');
  CHECK_FALSE(queue.turns.enter(b));  // the fourth is taken
  queue.leave('a');
  CHECK(queue.begun == "ca");
  CHECK_FALSE(queue.turns.enter(a));
}

TEST_CASE("networks of IPv6 count as one, and a turn may be over before it begins") {
  Turns turns(1, 10);
  const auto near = net::ip::make_address("2001:db8::1"), next = net::ip::make_address("2001:db8::2");
  CHECK(turns.enter(near));
  int begun = 0;
  for (int i = 0; i < 10'000; ++i) {
    turns.wait(next, [&] {
      ++begun;
      turns.leave(next);
    });
  }
  CHECK(begun == 0);
  turns.leave(near);
  CHECK(begun == 10'000);
  CHECK(turns.waiting() == 0);
}
