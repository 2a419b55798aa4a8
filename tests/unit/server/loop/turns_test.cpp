#include "server/loop/turns.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
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

TEST_CASE("the turns of all have a bound, and each turn that ends makes room for one") {
  Queue queue;
  for (const char each : {'a', 'b', 'c', 'd', 'e', 'f', 'g'}) queue.wait(each);
  CHECK(queue.begun == "abcd");
  CHECK_FALSE(queue.turns.enter(Queue::address('z')));
  queue.leave('b');
  CHECK(queue.begun == "abcde");
  queue.leave('a');
  queue.leave('e');
  CHECK(queue.begun == "abcdefg");
  CHECK(queue.turns.waiting() == 0);
  queue.leave('c');
  CHECK(queue.turns.enter(Queue::address('z')));
}

TEST_CASE("the round goes on after the address that began last, also when that has left") {
  Turns turns(1, 1);
  std::string begun;
  std::optional<Turns::Turn> running;
  const auto wait = [&](char name) {
    turns.wait(Queue::address(name), [&, name](Turns::Turn turn) {
      begun += name;
      running.emplace(std::move(turn));
    });
  };
  const auto leave = [&] { const auto over = std::exchange(running, std::nullopt); };
  for (const char each : {'c', 'a', 'd', 'b'}) wait(each);
  CHECK(begun == "c");
  leave();
  CHECK(begun == "cd");
  wait('c');
  leave();
  CHECK(begun == "cda");
  leave();
  CHECK(begun == "cdab");
  wait('a');  // asked last, and is not the next
  wait('z');
  leave();
  CHECK(begun == "cdabc");
  leave();
  leave();
  CHECK(begun == "cdabcza");
  leave();
  CHECK(turns.enter(Queue::address('a')));
}

TEST_CASE("a turn that is moved is given back once") {
  Turns turns(1, 1);
  const auto address = Queue::address('a');
  auto first = turns.enter(address);
  REQUIRE(first);
  {
    const Turns::Turn moved = std::move(*first);
    first.reset();
    CHECK_FALSE(turns.enter(address));
  }
  const auto second = turns.enter(address);
  CHECK(second);
  CHECK_FALSE(turns.enter(address));
}

TEST_CASE("who begins may wait for another turn at once, and comes after the others") {
  Turns turns(1, 1);
  std::string begun;
  auto running = turns.enter(Queue::address('z'));
  turns.wait(Queue::address('a'), [&](const Turns::Turn&) {
    begun += "a";
    turns.wait(Queue::address('a'), [&](const Turns::Turn&) { begun += "A"; });
  });
  turns.wait(Queue::address('b'), [&](const Turns::Turn&) { begun += "b"; });
  running.reset();
  CHECK(begun == "abA");
  CHECK(turns.waiting() == 0);
}

TEST_CASE("a turn that somebody who waits holds is given back when he is forgotten") {
  Turns turns(2, 2);
  const auto a = Queue::address('a'), b = Queue::address('b');
  auto held = std::make_unique<Turns::Turn>(turns.enter(a).value());
  auto other = turns.enter(b);
  bool begun = false;
  turns.wait(a, [&begun, held = std::move(held)](const Turns::Turn&) { begun = true; });
  turns.wait(b, [&begun](const Turns::Turn&) { begun = true; });
  CHECK_FALSE(turns.enter(a));
  turns.clear();
  CHECK_FALSE(begun);
  CHECK(turns.waiting() == 0);
  other.reset();
  const auto first = turns.enter(a), second = turns.enter(a);
  CHECK((first && second));
}
