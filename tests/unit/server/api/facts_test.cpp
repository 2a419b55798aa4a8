#include "server/api/facts.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "server/api/running_reads.hpp"
#include "server/api/said.hpp"
#include "server/events/event.hpp"
#include "server/events/protocol.hpp"
#include "server/events/syslog.hpp"
#include "storage/images/device_log.hpp"
#include "tests/unit/server/api/api_site.hpp"

using namespace server;
using namespace std::chrono_literals;
namespace record = storage::record;
using event::Protocol;
using test::ApiSite;
using test::has;

namespace {

const Recent::Clock::time_point now{1'795'847'068s};

event::Missed missed(const std::string& client, const std::string& asked = "/Wrong/ap1g8") {
  return {7, Protocol::tftp, client, asked, {storage::Cause::wrong_directory, "what", "hint", {}, {}}};
}

event::TransferEnded ended(const std::string& client, protocols::Cause cause,
                           const std::string& name = "/EWC/a/ap1g8") {
  return {7, Protocol::tftp, client, {}, name, name, false, 100, 60, 1, {cause}};
}

event::ControllerSaid said(const std::string& client, const std::string& host = "") {
  event::ControllerSaid made{client, host, {storage::LogMessage::Kind::failed}, "it asks 192.0.2.9",
                             "fix",  true};
  made.said.url = "tftp://192.0.2.9/a/ap1g8";
  return made;
}

record::Transfer transfer(const std::string& client, const std::string& file, std::int64_t at,
                          const std::string& outcome = "whole") {
  record::Transfer made;
  made.started = made.ended = at;
  made.client = client, made.protocol = "tftp", made.file = file;
  made.size = 1000, made.bytes = 1000, made.outcome = outcome, made.cause = "complete";
  return made;
}

// Reads facts as the status does.
struct Reader {
  explicit Reader(ApiSite& of) : site(of) {}

  std::shared_ptr<const Facts> read() {
    facts.now();
    const auto done = [&] { return site.lanes.asking.busy() == 0; };
    site.run_until(done);
    auto all = facts.now();
    site.run_until(done);  // nothing of this reader is under way when it goes
    return all;
  }

  ApiSite& site;
  ApiSources sources{site.loop,
                     site.lanes,
                     site.events,
                     site.running,
                     site.tally,
                     site.recent,
                     site.library,
                     site.settings,
                     [] { return ApiSources::Now{}; },
                     [](storage::Record) { return true; },
                     [](const std::string&) {},
                     ""};
  Said told{sources.keep};
  RunningReads reads{site.loop, site.running};
  LatestFacts facts{sources, told, reads};
};

}  // namespace

TEST_CASE("a miss of fifteen minutes ago is open, and of a moment before it is not") {
  Recent recent;
  recent.note(missed("192.0.2.6"), now - 15min - 1ns);
  recent.note(missed("192.0.2.7"), now - 15min);
  const auto open = open_misses(recent, now);
  REQUIRE(open.size() == 1);
  CHECK(open[0].miss.client == "192.0.2.7");
}

TEST_CASE("a miss is over once its client has read a file of that name whole, wherever it lies") {
  struct Row {
    const char* what;
    event::TransferEnded then;
    bool open;
  };
  auto upload = ended("192.0.2.7", protocols::Cause::complete);
  upload.write = true;
  const Row rows[] = {
      {"whole", ended("192.0.2.7", protocols::Cause::complete), false},
      {"whole but for the last ACK", ended("192.0.2.7", protocols::Cause::unconfirmed), false},
      {"broke off", ended("192.0.2.7", protocols::Cause::silence), true},
      {"asked for its size alone", ended("192.0.2.7", protocols::Cause::size_asked), true},
      {"another name", ended("192.0.2.7", protocols::Cause::complete, "/EWC/a/ap1g7"), true},
      {"another client", ended("192.0.2.70", protocols::Cause::complete), true},
      {"an upload", upload, true}};
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Recent recent;
    recent.note(missed("192.0.2.7"), now - 2min);
    recent.note(row.then, now - 1min);
    CHECK(open_misses(recent, now).empty() == !row.open);
  }
  Recent before;
  before.note(ended("192.0.2.7", protocols::Cause::complete), now - 2min);
  before.note(missed("192.0.2.7"), now - 2min);
  CHECK(open_misses(before, now).size() == 1);
}

TEST_CASE("what a client wrote into a miss is escaped, and bounded") {
  Recent recent;
  recent.note(missed("192.0.2.7", "/\x1b[2J" + std::string(5000, 'a')), now);
  recent.note(missed("192.0.2.8"), now);
  const auto open = open_misses(recent, now);
  REQUIRE(open.size() == 2);
  CHECK(open[0].miss.client == "192.0.2.8");  // the newest first
  CHECK(open[0].miss.text == "what; hint");
  CHECK(open[0].miss.fix == "hint");
  CHECK(open[1].miss.asked.starts_with("/\\x1b[2Jaaa"));
  CHECK(open[1].miss.asked.size() <= 200);
  CHECK(open[1].name.size() == 5005);  // as it was asked for, to be looked up
}

TEST_CASE("an end that is trouble is open for fifteen minutes, and what clients usually do is none") {
  Recent recent;
  recent.note(ended("192.0.2.5", protocols::Cause::silence), now - 15min - 1ns);
  recent.note(ended("192.0.2.6", protocols::Cause::silence), now - 15min);
  recent.note(ended("192.0.2.7", protocols::Cause::partly_read), now);
  recent.note(ended("192.0.2.8", protocols::Cause::stopped, "/EWC/a/\x1b"), now);
  const auto open = open_ends(recent, now);
  REQUIRE(open.size() == 2);
  CHECK(open[0].client == "192.0.2.8");
  CHECK(open[0].file == "\\x1b");
  CHECK(open[1].client == "192.0.2.6");
  CHECK(open[1].bytes == 60);
}

TEST_CASE("a complaint is its speaker's, open for fifteen minutes, and hidden by a miss of that time") {
  Recent recent;
  recent.note(said("192.0.2.1"), now - 15min - 1ns);
  recent.note(said("192.0.2.2"), now - 15min);
  recent.note(said("192.0.2.3", "9800\x1b"), now);
  recent.note(said("192.0.2.4"), now);
  recent.note(missed("192.0.2.4", "/a/ap1g8"), now - 15min);
  recent.note(said("192.0.2.5"), now);
  recent.note(missed("192.0.2.5", "/a/ap1g7"), now);
  auto open = open_complaints(recent, now);
  REQUIRE(open.size() == 3);
  CHECK(open[0].speaker == "192.0.2.5");
  CHECK(open[1].speaker == "9800\\x1b");
  CHECK(open[2].speaker == "192.0.2.2");
  open = open_complaints(recent, now + 1ns);
  REQUIRE(open.size() == 3);  // 192.0.2.4 is heard again, for its miss is over, and 192.0.2.2 is not
  CHECK(open[1].speaker == "192.0.2.4");
}

TEST_CASE("facts are read once at a time, by a worker, and there are none before") {
  ApiSite site;
  Reader reader(site);
  CHECK_FALSE(reader.facts.now());
  CHECK_FALSE(reader.facts.now());
  CHECK(site.lanes.asking.busy() == 1);
  const auto facts = reader.read();
  REQUIRE(facts);
  REQUIRE(facts->room);
  CHECK(facts->room->total >= facts->room->free);
  CHECK(facts->room->total > 0);
  CHECK_FALSE(facts->today);  // there is no history
  CHECK_FALSE(facts->goal);
  CHECK(facts->oldest.empty());
  CHECK(facts->largest == 0);
}

TEST_CASE("of the releases the largest is told, those that nobody could check, and which may be retired") {
  ApiSite site;
  site.import_release("/EWC/17_9_4a", {{"ap1g7", std::string(600, 'x')}, {"ap1g8", std::string(500, 'x')}},
                      "2026-11-22T00:00:00Z");
  Reader alone(site);
  CHECK(alone.read()->oldest.empty());  // the only one stays

  site.import_release("/EWC/17_3_3", {{"ap1g8", std::string(1000, 'x')}}, "2026-11-20T00:00:00Z");
  site.import_release("/EWC/17_6_5", {{"ap1g8", "x"}}, "2026-11-21T00:00:00Z", false);
  site.write_image("/Old/1_2_3", "ap1g8", "by hand");
  CHECK(Reader(site).read()->oldest == "/EWC/17_3_3");
  site.send("POST", "releases/EWC/17_3_3/promote");
  Reader reader(site);
  const auto facts = reader.read();
  CHECK(facts->largest == 1100);
  CHECK(facts->unverified == 1);
  CHECK(facts->oldest == "/EWC/17_6_5");
  REQUIRE(facts->goal);
  CHECK(facts->goal->release == "/EWC/17_3_3");
  CHECK(facts->goal->version == "17.3.3");
}

TEST_CASE("devices are counted by kind, and those that have the release of all that count") {
  ApiSite site;
  site.import_release("/EWC/17_9_4a", {{"ap1g8", "x"}}, "2026-11-20T11:10:23Z");
  constexpr std::int64_t after = 1'795'173'024'000;
  site.write_history({transfer("192.0.2.7", "/EWC/17_9_4a/ap1g8", after),
                      transfer("192.0.2.8", "/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin", after),
                      transfer("192.0.2.9", "/EWC/17_9_4a/readme.txt", after)});
  site.configured->expected = {*conf::parse_network("192.0.2.20"), *conf::parse_network("192.0.2.7")};
  const auto facts = Reader(site).read();
  CHECK(facts->devices.at(DeviceKind::access_point) == 1);
  CHECK(facts->devices.at(DeviceKind::controller) == 1);
  CHECK(facts->devices.at(DeviceKind::unknown) == 2);
  CHECK(facts->never_seen == 1);
  REQUIRE(facts->goal);
  CHECK(facts->goal->have == 1);
  CHECK(facts->goal->of == 2);
  CHECK(facts->goal->imported == 1'795'173'023'000);
  CHECK(facts->goal->counts.at(static_cast<std::size_t>(RolloutStatus::never_seen)) == 1);
}

TEST_CASE("today's ends are counted by their outcome, and those of days before are not") {
  ApiSite site;
  const auto later = std::chrono::duration_cast<std::chrono::milliseconds>(
                         (std::chrono::system_clock::now() + 24h).time_since_epoch())
                         .count();
  record::Miss old, recent;
  old.client = recent.client = "192.0.2.7", old.protocol = recent.protocol = "tftp";
  old.cause = recent.cause = "NOT_FOUND", old.asked = "/a", recent.asked = "/b";
  old.last_at = 1000, recent.last_at = later;
  site.write_history({transfer("192.0.2.7", "/a", 1000), transfer("192.0.2.7", "/a", later),
                      transfer("192.0.2.7", "/a", later), transfer("192.0.2.7", "/a", later, "broke_off"),
                      transfer("192.0.2.7", "/a", later, "partly"), old, recent});
  const auto facts = Reader(site).read();
  REQUIRE(facts->today);
  CHECK(facts->today->whole == 2);
  CHECK(facts->today->broke_off == 1);
  CHECK(facts->today->partly == 1);
  CHECK(facts->today->misses == 1);
}

TEST_CASE("a history that cannot be read leaves the other facts as they are") {
  ApiSite site;
  site.import_release("/EWC/17_9_4a", {{"ap1g8", "x"}});
  site.dir.write("state/history.db", std::string(4096, 'x'));
  const auto facts = Reader(site).read();
  REQUIRE(facts);
  CHECK_FALSE(facts->today);
  CHECK(facts->largest == 1);
  CHECK(facts->room);
}

TEST_CASE("a miss whose name is served by now is not told any more") {
  ApiSite site;
  site.import_release("/EWC/17_9_4a", {{"ap1g8", "x"}});
  const auto at = Recent::Clock::now();
  site.recent.note(missed("192.0.2.7", "/EWC/17_9_4a/ap1g8"), at);
  site.recent.note(missed("192.0.2.8", "/EWC/17_9_4a/ap1g7"), at);
  site.recent.note(missed("192.0.2.9", "/EWC/17_9_4a/ap1g8"), at);
  const auto facts = Reader(site).read();
  REQUIRE(facts->misses.size() == 1);
  CHECK(facts->misses[0].client == "192.0.2.8");
}

TEST_CASE("of many names that were missed the newest twenty are looked up again, and the others are told") {
  ApiSite site;
  std::vector<std::pair<std::string, std::string>> files;
  const auto at = Recent::Clock::now();
  for (int i = 0; i < 25; ++i) {
    const auto name = "c" + std::to_string(1000 + i);
    files.emplace_back(name, "x");
    site.recent.note(missed("192.0.2.7", "/Old/1_2_3/" + name), at);
  }
  site.import_release("/Old/1_2_3", files);
  const auto facts = Reader(site).read();
  REQUIRE(facts->misses.size() == 5);
  CHECK(facts->misses[0].asked == "/Old/1_2_3/c1004");
}
