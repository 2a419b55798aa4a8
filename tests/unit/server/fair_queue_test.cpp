#include "server/fair_queue.hpp"

#include <doctest/doctest.h>

#include "server/shares.hpp"

using namespace server;

namespace {

net::ip::address address(const char* text) { return net::ip::make_address(text); }

}  // namespace

TEST_CASE("an address with many in the queue keeps another one waiting for one of them only") {
  FairQueue<int> queue;
  for (int i = 0; i < 100; ++i) queue.push(address("192.0.2.1"), i);
  queue.push(address("192.0.2.2"), 1000);
  CHECK(queue.pop() == 0);
  CHECK(queue.pop() == 1000);
  CHECK(queue.pop() == 1);
  queue.push(address("192.0.2.2"), 1001);
  CHECK(queue.pop() == 2);
  CHECK(queue.pop() == 1001);
}

TEST_CASE("who was removed does not get his turn") {
  FairQueue<int> queue;
  queue.push(address("192.0.2.1"), 1);
  queue.push(address("192.0.2.1"), 2);
  queue.push(address("192.0.2.2"), 3);
  queue.remove(address("192.0.2.1"), 1);
  queue.remove(address("192.0.2.2"), 3);
  CHECK(queue.pop() == 2);
  CHECK_FALSE(queue.pop());
  CHECK(queue.empty());
}

TEST_CASE(
    "an address has its share and no more, a /64 is one address, and a share goes back with its holder") {
  Shares shares(3, 2);
  const auto first = shares.take(address("2001:db8::1"));
  {
    const auto second = shares.take(address("2001:db8::2"));
    CHECK(second);
    CHECK_FALSE(shares.take(address("2001:db8::3")));
    const auto third = shares.take(address("192.0.2.1"));
    CHECK(third);
    CHECK_FALSE(shares.take(address("192.0.2.2")));
  }
  CHECK(shares.take(address("2001:db8::3")));
  CHECK(shares.take(address("192.0.2.2")));
}
