#include "server/loop/shares.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace server;

namespace {

net::ip::address address(int number) { return net::ip::make_address("192.0.2." + std::to_string(number)); }

// As many as it gets.
std::size_t take_all(Shares& shares, int number, std::vector<Shares::Share>& held) {
  std::size_t count = 0;
  while (auto share = shares.take_and_leave(address(number))) {
    held.push_back(std::move(*share));
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("an address has its share, and gives it back") {
  Shares shares(3, 2);
  std::vector<Shares::Share> held;
  for (int i = 0; i < 2; ++i) held.push_back(*shares.take(address(1)));
  CHECK_FALSE(shares.take(address(1)));
  const auto other = shares.take(address(2));
  CHECK(other);
  CHECK(shares.are_all_taken());
  CHECK_FALSE(shares.take(address(3)));
  held.clear();
  CHECK(shares.take(address(3)));
}

TEST_CASE("who has none takes as many as there are, and who has some leaves the last quarter") {
  Shares shares(100, 40);
  auto large = shares.take_many(address(1), 60);
  CHECK(large);
  CHECK_FALSE(shares.take_many(address(1), 1));  // it has more than its share
  const auto some = shares.take_many(address(2), 10);
  CHECK(some);
  const auto more = shares.take_many(address(2), 5);
  CHECK(more);
  CHECK_FALSE(shares.take_many(address(2), 1));  // of the last quarter
  CHECK_FALSE(shares.take_many(address(3), 26));
  const auto last = shares.take_many(address(3), 25);
  CHECK(last);
  CHECK_FALSE(shares.take_many(address(4), 1));
  large.reset();
  CHECK(shares.take_many(address(2), 25));
  CHECK_FALSE(shares.take_many(address(2), 26));
}

TEST_CASE("one may have more than there are where nobody has any") {
  Shares shares(100, 40);
  const auto all = shares.take_many(address(1), 1000);
  CHECK(all);
  CHECK(shares.are_all_taken());
  CHECK_FALSE(shares.take_many(address(2), 1));
}

TEST_CASE("addresses that take all that they get leave room for another one") {
  Shares shares(256, 224);
  std::vector<Shares::Share> held;
  CHECK(take_all(shares, 1, held) == 224);
  CHECK(take_all(shares, 2, held) == 4);
  CHECK(take_all(shares, 3, held) == 4);
  CHECK(take_all(shares, 4, held) == 3);
  CHECK(take_all(shares, 5, held) == 3);
  for (int i = 6; i <= 10; ++i) CHECK(take_all(shares, i, held) == 2);
  for (int i = 11; i <= 17; ++i) CHECK(take_all(shares, i, held) == 1);
  CHECK(shares.take_and_leave(address(18)));
}
