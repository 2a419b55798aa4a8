#include "server/history/history.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/settings.hpp"
#include "server/events/all.hpp"
#include "server/events/events.hpp"
#include "server/events/warning.hpp"
#include "storage/history/history_queries.hpp"
#include "tests/support/failing_disk.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr auto patience = 60s;
constexpr std::int64_t in_2100 = 4'102'444'800'000;  // no row of then is too old to keep

// A server's events, its history, and what the administrator is told. The loop runs when the test lets it.
struct House {
  test::TempDir directory;
  fs::path file = directory / "history.db";
  net::io_context loop;
  Events events;
  std::vector<std::string> told;
  std::optional<History> history{std::in_place, loop, events};

  House() {
    events.listen([this](const Event& event) {
      if (const auto* warned = event.get_if<event::Warned>(); warned && warned->kind == Warning::history)
        told.push_back(warned->text);
    });
  }
  void begin(std::uint32_t days = 400) { history->begin({days, 256 << 20}, file); }
  bool end() { return history->end(patience); }
  void miss(const std::string& client, const std::string& asked = "/a") {
    events.emit(event::Missed{7, event::Protocol::tftp, client, asked, {}});
  }
  storage::HistoryQueries rows() const {
    return {file, [] { return false; }};
  }
  std::ptrdiff_t times(std::string_view words) const {
    return std::ranges::count_if(told, [words](const auto& text) { return text.starts_with(words); });
  }
  // The writer is another thread.
  bool hears(std::string_view words) {
    loop.restart();
    const auto guard = net::make_work_guard(loop);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (times(words) == 0 && std::chrono::steady_clock::now() < until) loop.run_one_for(1s);
    return times(words) > 0;
  }
};

storage::Record act(const std::string& subject) {
  return storage::record::Act{in_2100, "maria", "promote", subject, "done"};
}

constexpr auto share_is_used_up =
    "the history leaves out what an address does beyond 10000 requests and logins in an hour";

}  // namespace

TEST_CASE("what happens from the beginning on is on the disk after the end, each kind in its own list") {
  House house;
  house.miss("192.0.2.1");
  house.begin();
  house.miss("192.0.2.7");
  event::TransferEnded ended{8, event::Protocol::tftp, "192.0.2.7", {}, "a", "/EWC/a", false, 5, 5, 1.5, {}};
  house.events.emit(ended);
  house.events.emit(event::WebLoggedIn{"maria", "192.0.2.9"});
  house.events.emit(event::Acted{"maria", "promote", "/EWC/17_9_4a", "done"});
  house.events.emit(event::ImportRejected{"a.zip", "it is cut", "rejected/a.zip"});
  house.events.warn(Warning::images, "is not a part of the history");
  CHECK(house.end());
  auto rows = house.rows();
  const auto misses = rows.misses({});
  REQUIRE(misses.size() == 1);
  CHECK(misses[0].client == "192.0.2.7");
  REQUIRE(rows.transfers({}).size() == 1);
  CHECK(rows.transfers({})[0].file == "/EWC/a");
  CHECK(rows.logins({}).size() == 1);
  CHECK(rows.acts({}).size() == 1);
  CHECK(rows.imports({}).size() == 1);
  CHECK(house.told.empty());
}

TEST_CASE("what does not come from an event is kept as well") {
  House house;
  house.begin();
  CHECK(house.history->keep(act("/EWC/17_9_4a")));
  CHECK(house.end());
  const auto acts = house.rows().acts({});
  REQUIRE(acts.size() == 1);
  CHECK(acts[0].subject == "/EWC/17_9_4a");
}

TEST_CASE("with history.days: 0 nothing is kept, no file is made, and the end is a success") {
  House house;
  house.begin(0);
  house.miss("192.0.2.7");
  CHECK_FALSE(house.history->keep(act("/a")));
  CHECK(house.end());
  CHECK(fs::is_empty(house.directory.path()));
  CHECK(house.told.empty());
}

TEST_CASE("a history that never began keeps nothing and ends well") {
  House house;
  CHECK_FALSE(house.history->keep(act("/a")));
  CHECK(house.end());
}

TEST_CASE("an address has a share of the hour, a /64 of IPv6 counts as one, and its end is told once") {
  House house;
  house.begin();
  for (std::uint32_t i = 0; i < SharesOfHour::most; ++i) house.miss(fmt::format("2001:db8::{:x}", i));
  CHECK(house.times(share_is_used_up) == 0);
  house.miss("2001:db8::1:0:0");
  CHECK(house.times(share_is_used_up) == 1);
  house.miss("2001:db8::1:0:0");
  CHECK(house.times(share_is_used_up) == 1);
}

TEST_CASE("what no client brought about has no bound of an address") {
  House house;
  house.begin();
  for (std::uint32_t i = 0; i < SharesOfHour::most + 5; ++i)
    house.events.emit(event::Acted{"maria", "promote", "/EWC/17_9_4a", "done"});
  CHECK(house.times(share_is_used_up) == 0);
}

TEST_CASE("a disk that takes nothing is told on the loop, and again at the end, which fails") {
  House house;
  test::FailingDisk disk(house.directory / "synced");
  disk.sync_error = SQLITE_IOERR_FSYNC;
  house.begin();
  house.miss("192.0.2.7");
  CHECK(house.hears("the history cannot be written: disk I/O error; it is tried again in "));
  CHECK_FALSE(house.end());
  CHECK(house.told.back() == "the last records of the history are lost: the disk does not take them");
  house.history.reset();
}

TEST_CASE("while ten thousand records wait for the disk the next one is left out, and that is told rarely") {
  House house;
  { const storage::RecordBook made(house.file); }
  std::optional<storage::Database> other(std::in_place, house.file, storage::Database::Use::write);
  other->run("BEGIN IMMEDIATE");
  house.begin();
  std::size_t taken = 0;
  while (house.history->keep(act("/a"))) ++taken;
  CHECK(taken == HistoryWriter::most_waiting);
  house.miss("192.0.2.7");
  house.miss("192.0.2.8");
  CHECK(house.told ==
        std::vector<std::string>{"the history leaves out what happens now: 10000 records wait for the disk"});
  other.reset();
  house.history.reset();
  CHECK(house.rows().acts({.limit = 1'000'000}).size() == taken);
  CHECK(house.rows().misses({}).empty());
}
