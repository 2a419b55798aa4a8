#include "server/api/running_reads.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <string>

#include "server/events/events.hpp"
#include "server/events/protocol.hpp"
#include "server/files/running.hpp"

using namespace server;
using namespace std::chrono_literals;

namespace {

struct Moves final : Moving {
  Moved now{0, 0, Running::Clock::now() + 1h};
  Moved moved() const override { return now; }
  void stop_by_administrator() override {}
};

struct House {
  net::io_context loop;
  Events events;
  Running running{events};
  RunningReads reads{loop, running};
  Moves moves;
  std::deque<Running::Entry> entries;
  std::shared_ptr<const RunningReads::Reads> collected;
  std::size_t called = 0;

  void add(const std::string& client, bool begun = true, bool write = false) {
    entries.push_back(
        running.add({1, event::Protocol::tftp, client, "", "/a", "/EWC/17_9_4a/ap1g8", write, 1000}, moves));
    if (begun) entries.back().begin();
  }
  void add_many(std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i) add(std::to_string(i));
  }
  void collect() {
    reads.collect([this](std::shared_ptr<const RunningReads::Reads> all) {
      collected = std::move(all);
      ++called;
    });
  }
  void run() {
    loop.restart();
    loop.run_for(120s);
  }
  bool has(const std::string& client) const {
    return std::ranges::find(*collected, client, &RunningRead::client) != collected->end();
  }
};

}  // namespace

TEST_CASE("a hundred transfers are collected at once, and one more takes another turn of the loop") {
  House few, many;
  few.collect();
  REQUIRE(few.called == 1);
  CHECK(few.collected->empty());
  few.collected.reset();
  few.add_many(RunningReads::at_once);
  few.collect();
  REQUIRE(few.called == 2);
  CHECK(few.collected->size() == RunningReads::at_once);

  many.add_many(RunningReads::at_once + 1);
  many.collect();
  CHECK(many.called == 0);
  many.run();
  REQUIRE(many.called == 1);
  CHECK(many.collected->size() == RunningReads::at_once + 1);
}

TEST_CASE("each of thousands is collected once") {
  House house;
  house.add_many(2050);
  house.collect();
  house.run();
  REQUIRE(house.called == 1);
  std::vector<std::string> clients;
  for (const auto& read : *house.collected) clients.push_back(read.client);
  std::ranges::sort(clients);
  CHECK(std::ranges::adjacent_find(clients) == clients.end());
  CHECK(clients.size() == 2050);
}

TEST_CASE("who asks during a collection, or while its answer is held, shares it") {
  House house;
  house.add_many(150);
  house.collect();
  std::shared_ptr<const RunningReads::Reads> beside, later;
  house.reads.collect([&](auto all) { beside = std::move(all); });
  CHECK(house.called == 0);
  house.run();
  REQUIRE(house.called == 1);
  CHECK(beside == house.collected);
  house.reads.collect([&](auto all) { later = std::move(all); });
  CHECK(later == house.collected);

  house.add("new");
  beside.reset(), later.reset(), house.collected.reset();
  house.collect();
  house.run();
  CHECK(house.has("new"));
}

TEST_CASE("transfers that end or begin between two turns harm nothing") {
  House house;
  house.add_many(150);
  house.collect();
  house.entries[99] = {};   // where the first turn stopped
  house.entries[100] = {};  // where the next would begin
  house.entries[120] = {};
  house.add("new");
  house.run();
  REQUIRE(house.called == 1);
  CHECK(house.collected->size() == 149);
  CHECK(house.has("100"));
  CHECK_FALSE(house.has("101"));
  CHECK_FALSE(house.has("121"));
  CHECK(house.has("150"));
  CHECK(house.has("new"));
}

TEST_CASE("an upload is left out, and so is a transfer whose client has not answered yet") {
  House house;
  house.add("a"), house.add("b", false), house.add("c", true, true);
  house.collect();
  REQUIRE(house.called == 1);
  CHECK(house.collected->size() == 1);
  CHECK(house.has("a"));
}

TEST_CASE("a read has what an answer tells of it, and hostile bytes of a name are escaped") {
  House house;
  Moves still;
  still.now = {380, 2, Running::Clock::now() - 20s};
  auto entry = house.running.add(
      {1, event::Protocol::sftp, "192.0.2.7", "ewc", "x", "/uploads/\x1b[2J", false, std::nullopt}, still);
  entry.begin();
  house.add("192.0.2.8");
  house.collect();
  REQUIRE(house.called == 1);
  REQUIRE(house.collected->size() == 2);
  const auto &first = (*house.collected)[0], &second = (*house.collected)[1];
  CHECK(first.client == "192.0.2.7");
  CHECK(first.file == "/uploads/\\x1b[2J");
  CHECK(first.bytes == 380);
  CHECK_FALSE(first.size);
  CHECK(first.stalled);
  CHECK(first.protocol == "sftp");
  CHECK(second.size == 1000);
  CHECK_FALSE(second.stalled);
  CHECK(second.protocol == "tftp");
}

TEST_CASE("all transfers are summed, those too that wait or write") {
  House house;
  Moves still;
  still.now = {380, 2, Running::Clock::now() - 20s};
  auto stalled =
      house.running.add({1, event::Protocol::sftp, "192.0.2.7", "ewc", "x", "/x", true, {}}, still);
  stalled.begin();
  house.moves.now.bytes = 1000;
  house.add_many(RunningReads::summed_at_once);
  house.add("waits", false);
  std::optional<Movements> sum;
  house.reads.sum([&](const Movements& all) { sum = all; });
  CHECK_FALSE(sum);
  house.run();
  REQUIRE(sum);
  CHECK(sum->stalled == 1);
  CHECK(sum->rate > 0);
  CHECK(sum->running.at("tftp") == RunningReads::summed_at_once + 1);
  CHECK(sum->running.at("sftp") == 1);
}
