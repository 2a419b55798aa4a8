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

TEST_CASE("addresses that take all that they get leave room for another one") {
  Shares shares(256, 224);
  std::vector<Shares::Share> held;
  CHECK(take_all(shares, 1, held) == 224);
  CHECK(take_all(shares, 2, held) == 28);
  CHECK(take_all(shares, 3, held) == 3);
  CHECK(shares.take_and_leave(address(4)));
}
