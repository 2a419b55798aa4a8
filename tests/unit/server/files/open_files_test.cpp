#include "server/files/open_files.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

using namespace server;
using Bound = OpenFiles::Bound;

namespace {

struct Door {
  OpenFiles files;
  std::vector<OpenFiles::Lease> taken;

  explicit Door(const OpenFiles::Bounds& bounds = {100'000, 100'000, 100'000}) { files.set(bounds); }
  OpenFiles::Connection connection(const char* address, const char* user = "ap") const {
    return {files, net::ip::make_address(address), user};
  }
  std::optional<Bound> take(const OpenFiles::Connection& connection, const OpenFiles::Wanted& what = {}) {
    auto lease = files.take(connection, what);
    if (!lease) return lease.error();
    taken.push_back(std::move(*lease));
    return {};
  }
};

}  // namespace

TEST_CASE("what TFTP and the connections need is left free, and a quarter where not even that is there") {
  const auto many = OpenFiles::bounds_for(524'288, 5000, 2000);
  CHECK(many.in_all == 524'288 - 25'000 - 6000 - 100);
  CHECK(many.by_user == many.in_all / 2);
  CHECK(many.by_address == many.in_all / 4);
  CHECK(OpenFiles::bounds_for(20'000, 5000, 2000).in_all == 5000);
  CHECK(OpenFiles::bounds_for(1024, 100, 10).in_all == 1024 - 500 - 30 - 100);
}

TEST_CASE("a connection has 1024 descriptors for all its channels, and ten for their roots") {
  Door door;
  const auto first = door.connection("192.0.2.1"), second = door.connection("192.0.2.1");
  for (int i = 0; i < 344; ++i) REQUIRE_FALSE(door.take(first, {.descriptors = 3}));
  CHECK(door.take(first, {.descriptors = 3}) == Bound::connection);
  CHECK_FALSE(door.take(first, {.descriptors = 2}));
  CHECK(door.take(first) == Bound::connection);
  CHECK_FALSE(door.take(second));
  door.taken.erase(door.taken.begin());
  CHECK_FALSE(door.take(first, {.descriptors = 3}));
}

TEST_CASE("folders and names cost memory, too") {
  Door door;
  const auto one = door.connection("192.0.2.1");
  for (int i = 0; i < 64; ++i) REQUIRE_FALSE(door.take(one, {.directory = true}));
  CHECK(door.take(one, {.directory = true}) == Bound::directories);
  for (int i = 0; i < 64; ++i) REQUIRE_FALSE(door.take(one, {.name = 4096}));
  CHECK(door.take(one, {.name = 1}) == Bound::names);
  CHECK_FALSE(door.take(one));
}

TEST_CASE("an address, a user and all together have their bounds, and each network of IPv6 is one") {
  Door door({10, 8, 4});
  const auto here = door.connection("2001:db8::1"), near = door.connection("2001:db8::2");
  CHECK_FALSE(door.take(here, {.descriptors = 3}));
  CHECK(door.take(near, {.descriptors = 2}) == Bound::address);
  CHECK_FALSE(door.take(near));
  CHECK_FALSE(door.take(door.connection("192.0.2.1"), {.descriptors = 4}));
  CHECK(door.take(door.connection("192.0.2.2")) == Bound::user);
  CHECK_FALSE(door.take(door.connection("192.0.2.2", "other"), {.descriptors = 2}));
  CHECK(door.take(door.connection("192.0.2.3", "third")) == Bound::process);
  CHECK(door.files.open() == 10);
}

TEST_CASE("all is given back, also by whoever outlives the books") {
  std::optional<Door> door(std::in_place, OpenFiles::Bounds{5, 5, 5});
  CHECK_FALSE(door->take(door->connection("192.0.2.1"), {.descriptors = 5}));
  CHECK(door->take(door->connection("192.0.2.2"), {.descriptors = 5}) == Bound::user);
  auto lease = std::move(door->taken.front());
  door->taken.clear();
  CHECK(door->files.open() == 5);
  lease = *door->files.take(door->connection("192.0.2.1"), {.descriptors = 0});
  CHECK(door->files.open() == 0);
  lease = *door->files.take(door->connection("192.0.2.2"), {.descriptors = 5});
  door.reset();
}

TEST_CASE("each refusal says which bound it was") {
  for (const auto bound :
       {Bound::connection, Bound::directories, Bound::names, Bound::address, Bound::user, Bound::process})
    CHECK(text_of(bound).size() > 30);
}
