#include "server/loop/fair_queue.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace server;

namespace {

net::ip::address at(const std::string& address) { return net::ip::make_address(address); }
const auto one = at("192.0.2.1"), two = at("192.0.2.2"), three = at("2001:db8::");

// What comes out, in order; each is done at once.
std::string drain(FairQueue<char>& queue) {
  std::string order;
  while (const auto next = queue.take()) {
    order += next->item;
    queue.done(next->source);
  }
  return order;
}

}  // namespace

TEST_CASE("each address gives one item a round, in its own order") {
  FairQueue<char> queue;
  for (const char item : {'a', 'b', 'c', 'd'}) queue.push(one, item);
  queue.push(two, 'x');
  for (const char item : {'1', '2'}) queue.push(three, item);
  CHECK(queue.size() == 7);
  CHECK(drain(queue) == "ax1b2cd");
  CHECK(queue.empty());
}

TEST_CASE("who comes late waits for one item of each other address at most") {
  FairQueue<int> queue;
  for (int i = 0; i < 1000; ++i) queue.push(one, i);
  CHECK(queue.take()->item == 0);
  queue.push(two, 7);
  CHECK(queue.take()->source == one);
  CHECK(queue.take()->source == two);
}

TEST_CASE("an address has no more under way than its share, and others go past it") {
  FairQueue<char> queue(1);
  for (const char item : {'a', 'b'}) queue.push(one, item);
  CHECK(queue.take()->item == 'a');
  CHECK_FALSE(queue.take());
  queue.push(two, 'x');
  CHECK(queue.take()->item == 'x');
  CHECK_FALSE(queue.take());
  queue.done(one);
  CHECK(queue.take()->item == 'b');
  queue.done(one);
  queue.done(two);
  CHECK_FALSE(queue.take());
}

TEST_CASE("an address whose items are done quickly may have more under way, until one is slow") {
  FairQueue<char> queue(1, 3);
  const auto take_all = [&queue] {
    std::string taken;
    while (const auto next = queue.take()) taken += next->item;
    return taken;
  };
  for (const char item : {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'}) queue.push(one, item);
  CHECK(take_all() == "a");
  queue.done(one, true);
  CHECK(take_all() == "bc");
  queue.done(one, true);
  CHECK(take_all() == "de");
  queue.done(one, true);
  CHECK(take_all() == "f");
  for (int i = 0; i < 3; ++i) queue.done(one, false);
  CHECK(take_all() == "g");
}

TEST_CASE("what was removed does not come out") {
  FairQueue<char> queue;
  queue.push(one, 'a');
  queue.push(one, 'b');
  queue.push(two, 'x');
  queue.remove(one, 'a');
  queue.remove(two, 'x');
  queue.remove(three, 'x');
  CHECK(queue.size() == 1);
  CHECK(queue.pop() == 'b');
  CHECK_FALSE(queue.pop());
  queue.push(two, 'y');
  CHECK(queue.pop() == 'y');
}

TEST_CASE("what is done after everything was forgotten does no harm") {
  FairQueue<char> queue(1);
  queue.push(one, 'a');
  queue.push(one, 'b');
  CHECK(queue.take());
  queue.clear();
  CHECK(queue.empty());
  CHECK_FALSE(queue.take());
  queue.done(one);
  queue.push(one, 'c');
  CHECK(drain(queue) == "c");
}
