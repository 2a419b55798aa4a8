#include "server/api/transfers.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/events/protocol.hpp"
#include "server/events/syslog.hpp"
#include "server/events/transfer.hpp"

using namespace server;
using namespace std::chrono_literals;

namespace {

using Clock = Running::Clock;

struct Transfer final : Moving {
  Moved now;
  Moved moved() const override { return now; }
  void stop_by_administrator() override {}
};

struct House {
  Events events;
  Running running{events};
  Transfer transfer;
  Running::Entry entry;
  House(event::Protocol protocol, std::optional<std::uint64_t> size) {
    entry = running.add({7, protocol, "192.0.2.7", protocol == event::Protocol::tftp ? "" : "ewc", "/AP1G8\n",
                         "/EWC/ap1g8", false, size, 1428, 16},
                        transfer);
  }
  const Running::Row& row() const { return running.rows().begin()->second; }
  Movement movement(Clock::time_point at) const { return movement_of(row(), transfer.now, at); }
  std::string json(Clock::time_point at) const { return to_json(1, row(), at); }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a transfer waits for its client's first answer, moves, and stalls after ten seconds") {
  House house(event::Protocol::tftp, 1000);
  const auto asked = house.row().asked;
  house.transfer.now.last = asked;
  CHECK(house.movement(asked + 20s) == Movement::waiting);
  house.entry.begin();
  CHECK(house.movement(asked + 9s) == Movement::moving);
  CHECK(house.movement(asked + 10s) == Movement::stalled);
  house.transfer.now.last = asked + 5s;
  CHECK(house.movement(asked + 10s) == Movement::moving);
}

TEST_CASE("what moves is told with rate and time left") {
  House house(event::Protocol::tftp, 1000);
  house.entry.begin();
  house.transfer.now = {400, 3, house.row().asked + 4s};
  const auto json = house.json(house.row().asked + 4s);
  CHECK(has(json, R"("bytes":400,"rate":100,"left_s":6,"state":"moving","stalled_s":0)"));
  CHECK(has(json, R"("block_size":1428,"window":16,"resent":3)"));
  CHECK(has(json, R"("user":null,"asked":"/AP1G8\\n","path":"/EWC/ap1g8","size":1000)"));
}

TEST_CASE("what stands still has no time left, and what has no size has neither") {
  House house(event::Protocol::sftp, {});
  house.entry.begin();
  house.transfer.now = {400, 0, house.row().asked};
  const auto moving = house.json(house.row().asked + 4s), still = house.json(house.row().asked + 30s);
  CHECK(has(moving, R"("user":"ewc")"));
  CHECK(has(moving, R"("size":null,"bytes":400,"rate":100,"left_s":null,"state":"moving")"));
  CHECK(has(still, R"("left_s":null,"state":"stalled","stalled_s":30)"));
  CHECK_FALSE(has(moving, "block_size"));
}

TEST_CASE("the last endings and misses are kept, the latest first and never more than a hundred") {
  Recent recent;
  CHECK(recent_json(recent) == "{\"ended\":[],\"misses\":[],\"heard\":[]}\n");
  for (unsigned i = 0; i < 250; ++i) {
    const auto name = "/" + std::to_string(i);
    recent.note(
        event::Missed{
            i, event::Protocol::tftp, "192.0.2.7", name, {storage::Cause::not_found, name, "", {}, {}}},
        {});
    recent.note(
        event::TransferEnded{i, event::Protocol::tftp, "192.0.2.7", "", name, name, false, 1, 1, 1.5, {}},
        {});
    recent.note(event::Stopped{}, {});
  }
  CHECK(recent.ended().size() == Recent::most);
  CHECK(recent.misses().size() == Recent::most);
  const auto json = recent_json(recent);
  CHECK(json.find("\"/249\"") < json.find("\"/248\""));
  CHECK_FALSE(has(json, "\"/149\""));
  CHECK(has(json, R"("at":"1970-01-01T00:00:00Z")"));
}

TEST_CASE("a failure that a device logged is kept, and what went well is not") {
  Recent recent;
  event::ControllerSaid said{"192.0.2.1",
                             "EWC\x1b",
                             {storage::LogMessage::Kind::failed},
                             "it asks 192.0.2.9",
                             "tftp-image-server 192.0.2.2",
                             true};
  said.said.url = "tftp://192.0.2.9/\x1b";
  recent.note(said, {});
  said.bad = false;
  recent.note(said, {});
  REQUIRE(recent.heard().size() == 1);
  CHECK(to_json(recent.heard().front()) ==
        R"({"at":"1970-01-01T00:00:00Z","client":"192.0.2.1","host":"EWC\\x1b","kind":"failed",)"
        R"("url":"tftp://192.0.2.9/\\x1b","text":"it asks 192.0.2.9","fix":"tftp-image-server 192.0.2.2"})");
}

TEST_CASE("thousands of transfers are told page by page, each once") {
  Events events;
  Running running(events);
  Transfer transfer;
  std::vector<Running::Entry> entries;
  for (std::size_t i = 0; i < 2 * most_transfers + 1; ++i)
    entries.push_back(
        running.add({i, event::Protocol::tftp, "192.0.2.7", "", "/a", "/a", false, 1}, transfer));
  const auto page = [&](Running::Id after) { return transfers_json(running, after, Clock::now()); };
  CHECK(has(page(0), "\"id\":1,"));
  CHECK(has(page(0), "\"id\":100,"));
  CHECK_FALSE(has(page(0), "\"id\":101,"));
  CHECK(page(0).ends_with("],\"next\":100}\n"));
  CHECK(page(100).ends_with("],\"next\":200}\n"));
  CHECK(has(page(200), "\"id\":201,"));
  CHECK(page(200).ends_with("],\"next\":null}\n"));
  CHECK(page(201) == "{\"items\":[],\"next\":null}\n");
}
