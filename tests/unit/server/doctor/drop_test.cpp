#include "server/doctor/drop.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;
using namespace std::chrono_literals;
using storage::Kind;

namespace {

DropReading with(std::string name, Kind kind, std::chrono::seconds still) {
  DropReading reading;
  reading.depot = "/srv/depot";
  reading.running = true;
  reading.waiting = {{std::move(name), kind, still}};
  return reading;
}

}  // namespace

TEST_CASE("what waits for more than ten minutes is to look at") {
  CHECK(judge_drop({}).state() == State::ok);
  CHECK(judge_drop(with("bundle.zip", Kind::file, 599s)).state() == State::ok);
  const auto found = judge_drop(with("bundle.zip", Kind::file, 600s)).findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].found.starts_with("bundle.zip waits in drop/ for 10 min: "));
  CHECK(found[0].fix == "apdepot import /srv/depot/drop/bundle.zip");
}

TEST_CASE("why it waits is said") {
  auto reading = with("bundle.zip", Kind::file, 1h);
  reading.running = false;
  CHECK(judge_drop(reading).findings()[0].found.ends_with("no server runs that imports it"));
  reading.watched = false;
  CHECK(judge_drop(reading).findings()[0].found.ends_with("import.watch is false"));
}

TEST_CASE("a folder is never imported, however young") {
  CHECK(judge_drop(with("images", Kind::directory, 0s)).findings()[0].fix ==
        "mv /srv/depot/drop/images/* /srv/depot/drop/");
}

TEST_CASE("a pipe is not opened, and goes away") {
  CHECK(judge_drop(with("pipe", Kind::other, 0s)).findings()[0].fix == "rm /srv/depot/drop/pipe");
}

TEST_CASE("a hostile name is escaped, and becomes no part of a command") {
  const auto found = judge_drop(with("a\x1b[2J; rm -rf ~\n", Kind::file, 1h)).findings()[0];
  CHECK(found.found.starts_with("a\\x1b[2J; rm -rf ~\\n waits"));
  CHECK(found.fix == "apdepot import /srv/depot/drop/FILE");
}

TEST_CASE("what was rejected is told with its reason, and the rest as a number") {
  DropReading reading;
  reading.depot = "/srv/depot";
  reading.rejected = {{"bundle.zip", "it is cut\x1b[1m"}};
  reading.rejected_count = 7;
  const auto found = judge_drop(reading).findings();
  REQUIRE(found.size() == 2);
  CHECK(found[0].found == "bundle.zip was rejected: it is cut\\x1b[1m");
  CHECK(found[0].fix ==
        "once you have seen to it: rm /srv/depot/rejected/bundle.zip "
        "/srv/depot/rejected/bundle.zip.reason.txt");
  CHECK(found[1].found == "6 more were rejected");
}
