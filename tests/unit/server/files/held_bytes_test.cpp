#include "server/files/held_bytes.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace server;

namespace {

struct House {
  HeldBytes held{HeldBytes::Bounds{.in_all = 100, .by_address = 60}};
  std::string ended;
  std::vector<std::unique_ptr<HeldBytes::Connection>> all;

  HeldBytes::Connection& connection(const char* address, char name) {
    return *all.emplace_back(std::make_unique<HeldBytes::Connection>(held, net::ip::make_address(address),
                                                                     [this, name] { ended += name; }));
  }
};

}  // namespace

TEST_CASE("of an address that holds too much the largest connection ends, whoever asked last") {
  House house;
  auto& large = house.connection("2001:db8::1", 'l');
  auto& small = house.connection("2001:db8::2", 's');
  auto& other = house.connection("192.0.2.1", 'o');
  large.change(0, 40);
  other.change(0, 39);
  small.change(0, 20);
  CHECK(house.ended.empty());
  small.change(20, 21);
  CHECK(house.ended == "l");
  CHECK(house.held.in_all() == 60);
  large.change(40, 4000);  // it is no longer counted
  CHECK(house.ended == "l");
  CHECK(house.held.in_all() == 60);
}

TEST_CASE("when all hold too much, the largest of the address that holds most ends") {
  House house;
  house.connection("192.0.2.1", 'a').change(0, 30);
  house.connection("192.0.2.1", 'b').change(0, 20);
  house.connection("192.0.2.2", 'c').change(0, 45);
  CHECK(house.ended.empty());
  house.connection("192.0.2.3", 'd').change(0, 6);
  CHECK(house.ended == "a");
  CHECK(house.held.in_all() == 71);
}

TEST_CASE("what is answered, and a connection that is gone, is not held") {
  House house;
  auto& one = house.connection("192.0.2.1", 'a');
  one.change(0, 60);
  one.change(60, 10);
  house.connection("192.0.2.1", 'b').change(0, 50);
  CHECK(house.held.in_all() == 60);
  house.all.clear();
  CHECK(house.held.in_all() == 0);
  CHECK(house.ended.empty());
}

TEST_CASE("what a connection keeps counts for the bounds, though it holds nothing that is to be answered") {
  House house;
  auto& idle = house.connection("192.0.2.1", 'i');
  auto& busy = house.connection("192.0.2.1", 'b');
  idle.keep(25);
  CHECK(idle.bytes() == 0);
  idle.keep(30);
  CHECK(house.held.in_all() == 30);
  busy.change(0, 20);
  CHECK(busy.is_scarce());
  busy.keep(9);
  CHECK(house.ended.empty());
  busy.keep(11);
  CHECK(house.ended == "b");
  CHECK(house.held.in_all() == 30);
  idle.keep(0);
  CHECK(house.held.in_all() == 0);
}

TEST_CASE("from half of a bound on memory is scarce, for that address or for all") {
  House house;
  auto& one = house.connection("192.0.2.1", 'a');
  auto& other = house.connection("192.0.2.2", 'b');
  one.change(0, 30);
  CHECK_FALSE(one.is_scarce());
  one.change(30, 31);
  CHECK(one.is_scarce());
  CHECK_FALSE(other.is_scarce());
  other.change(0, 20);
  CHECK(other.is_scarce());
  one.change(31, 0);
  CHECK_FALSE(other.is_scarce());
}
