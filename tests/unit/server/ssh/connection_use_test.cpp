#include "server/ssh/connection_use.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace server;

namespace {

constexpr std::size_t kib = 1 << 10, mib = 1 << 20;

struct House {
  OpenFiles files;
  HeldBytes held{HeldBytes::Bounds{.in_all = 100 * mib, .by_address = 20 * mib}};
  int ended = 0;

  std::unique_ptr<ConnectionUse> use(const char* address = "192.0.2.1", const char* user = "ewc") {
    return std::make_unique<ConnectionUse>(files, held, net::ip::make_address(address), user,
                                           [this] { ++ended; });
  }
};

}  // namespace

TEST_CASE("a connection holds enough beyond a mebibyte, and too much beyond three") {
  House house;
  const auto use = house.use();
  use->hold(0, mib);
  CHECK_FALSE(use->holds_enough());
  use->hold(mib, mib + 1);
  CHECK(use->holds_enough());
  use->hold(mib + 1, 3 * mib);
  CHECK_FALSE(use->holds_too_much());
  use->hold(3 * mib, 3 * mib + 1);
  CHECK(use->holds_too_much());
  use->hold(3 * mib + 1, 0);
  CHECK_FALSE(use->holds_enough());
  CHECK(house.ended == 0);
}

TEST_CASE("there is always room for some answers, or whoever has sent much would never be rid of it") {
  House house;
  const auto use = house.use();
  CHECK(use->room() == mib);
  use->hold(0, mib - 20 * kib);
  CHECK(use->room() == 20 * kib);
  use->hold(mib - 20 * kib, mib - 1);
  CHECK(use->room() == 16 * kib);
  use->hold(mib - 1, 10 * mib);
  CHECK(use->room() == 16 * kib);
}

TEST_CASE("where the other connections of its address hold much, one makes do with 64 KiB") {
  House house;
  const auto use = house.use("2001:db8::1"), other = house.use("2001:db8::2"), far = house.use("192.0.2.9");
  use->hold(0, 64 * kib);
  other->hold(0, 10 * mib - 64 * kib);
  CHECK(use->room() == mib - 64 * kib);
  other->hold(10 * mib - 64 * kib, 10 * mib);
  CHECK_FALSE(use->holds_enough());
  CHECK(use->room() == 16 * kib);
  use->hold(64 * kib, 64 * kib + 1);
  CHECK(use->holds_enough());
  CHECK(far->room() == mib);  // another address does not feel it
}

TEST_CASE("buffers beyond 32 KiB count for the bounds, and for nothing else") {
  House house;
  const auto use = house.use();
  use->keep_for_input(16 * kib);
  use->wrote(7 * kib);
  CHECK(house.held.in_all() == 0);
  use->wrote(60 * kib);
  use->wrote(10);
  CHECK(house.held.in_all() == (16 + 2 * 64 - 32) * kib);
  use->keep_for_input(19 * mib);
  CHECK(use->room() == 64 * kib);  // memory is scarce, but of that this connection holds nothing
  CHECK_FALSE(use->holds_enough());
  CHECK(house.ended == 0);
  use->keep_for_input(21 * mib);
  CHECK(house.ended == 1);
}

TEST_CASE("where memory is scarce no more is written at once than there are buffers for, or a little") {
  House house;
  const auto use = house.use("2001:db8::1"), other = house.use("2001:db8::2");
  CHECK(use->write_at_once() == 60 * kib);
  use->wrote(20 * kib);
  other->keep_for_input(11 * mib);
  CHECK(use->write_at_once() == 20 * kib);
  CHECK(other->write_at_once() == 7 * kib);
}

TEST_CASE("a buffer has more room than was needed, as libssh makes it") {
  CHECK(ConnectionUse::buffer_for(0) == 1);
  CHECK(ConnectionUse::buffer_for(8191) == 8192);
  CHECK(ConnectionUse::buffer_for(8192) == 16384);
}

TEST_CASE("the channels of a connection share what it may have open, and another has its own") {
  House house;
  house.files.set({10'000, 10'000, 10'000});
  const auto use = house.use(), other = house.use();
  constexpr auto most = OpenFiles::by_connection + OpenFiles::roots_by_connection;
  {
    const auto all = use->open({.descriptors = most, .directory = false, .name = 0});
    CHECK(all.has_value());
    const auto more = use->open({});
    REQUIRE_FALSE(more.has_value());
    CHECK(more.error() == OpenFiles::Bound::connection);
    CHECK(other->open({}).has_value());
  }
  CHECK(use->open({}).has_value());
  CHECK(house.files.open() == 0);
}

TEST_CASE("a lease and its count outlive the connection that took it") {
  House house;
  house.files.set({2, 2, 2});
  auto use = house.use();
  auto lease = use->open({.descriptors = 2, .directory = false, .name = 0});
  REQUIRE(lease.has_value());
  use.reset();
  CHECK(house.files.open() == 2);
  const auto next = house.use();
  CHECK(next->open({}).error() == OpenFiles::Bound::address);
  { const auto gone = std::move(*lease); }
  CHECK(next->open({}).has_value());
}

TEST_CASE("a connection that goes gives back what it held") {
  House house;
  auto use = house.use();
  use->hold(0, 12 * mib);
  const auto other = house.use();
  CHECK(other->room() < mib);
  use.reset();
  CHECK(other->room() == mib);
  CHECK(house.held.in_all() == 0);
}
