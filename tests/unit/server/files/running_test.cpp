#include "server/files/running.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "server/events/events.hpp"
#include "server/events/protocol.hpp"
#include "server/events/transfer.hpp"

using namespace server;

namespace {

struct Transfer final : Moving {
  Moved moved() const override { return {7, 1, {}}; }
  void stop_by_administrator() override {
    ++stops;
    entry = {};  // as one whose client is told at once
  }
  int stops = 0;
  Running::Entry entry = {};
};

struct House {
  Events events;
  Running running{events};
  std::vector<event::TransferBegan> told;
  House() {
    events.listen([this](const Event& event) {
      if (const auto* began = event.get_if<event::TransferBegan>()) told.push_back(*began);
    });
  }
  Running::Entry add(Transfer& transfer, std::string name) {
    return running.add({3, event::Protocol::tftp, "192.0.2.7", {}, name, name, false, 9}, transfer);
  }
};

}  // namespace

TEST_CASE("a transfer is among those that run as long as its entry lives") {
  House house;
  Transfer transfer;
  {
    const auto entry = house.add(transfer, "/ap1g8");
    REQUIRE(house.running.rows().size() == 1);
    const auto& row = house.running.rows().begin()->second;
    CHECK(row.what.name == "/ap1g8");
    CHECK(row.moving->moved().bytes == 7);
  }
  CHECK(house.running.rows().empty());
}

TEST_CASE("an entry that is moved takes its place along, and gives up the one that it had") {
  House house;
  Transfer first, second;
  first.entry = house.add(first, "/a");
  second.entry = house.add(second, "/b");
  first.entry = std::move(second.entry);
  second.entry = {};
  REQUIRE(house.running.rows().size() == 1);
  CHECK(house.running.rows().begin()->second.what.name == "/b");
}

TEST_CASE("its beginning is told once") {
  House house;
  Transfer transfer;
  auto entry = house.add(transfer, "/ap1g8");
  CHECK(house.told.empty());
  CHECK_FALSE(house.running.rows().begin()->second.began);
  entry.begin();
  entry.begin();
  REQUIRE(house.told.size() == 1);
  CHECK(house.told[0].number == 3);
  CHECK(house.running.rows().begin()->second.began);
  Running::Entry none;
  none.begin();
  CHECK(house.told.size() == 1);
}

TEST_CASE("a transfer is stopped by its number, which no other ever gets") {
  House house;
  Transfer first, second;
  first.entry = house.add(first, "/a");
  const auto id = house.running.rows().begin()->first;
  CHECK(house.running.stop(id));
  CHECK(first.stops == 1);
  CHECK(house.running.rows().empty());
  second.entry = house.add(second, "/b");
  CHECK_FALSE(house.running.stop(id));
  CHECK(second.stops == 0);
}
