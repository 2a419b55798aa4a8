#include "server/doctor/releases.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;

namespace {

ReleasesReading one() {
  ReleasesReading reading;
  reading.count = 1;
  return reading;
}

}  // namespace

TEST_CASE("a release that differs fails, with the bundle that replaces it") {
  CHECK(judge_releases(one()).state() == State::ok);
  auto reading = one();
  reading.differ = {{"/EWC/17_9_4a", "bundle.zip", "ap1g8 has 5 bytes, and had 6 when it was imported"}};
  reading.unverified = {{"/EWC/17_9_4a", "bundle.zip", ""}};
  const auto found = judge_releases(reading).findings();
  REQUIRE(found.size() == 2);
  CHECK(found[0].state == State::fails);
  CHECK(found[0].fix == "apdepot import --replace bundle.zip");
  CHECK(found[1] == Finding{State::look, "nothing confirms that /EWC/17_9_4a is what the vendor published",
                            "put the vendor's bundle.zip.sha512 into drop/"});
}

TEST_CASE("a file that was written to later is to look at, and so is a depot without a release") {
  auto reading = one();
  reading.later = {{"/EWC/17_9_4a", "bundle.zip", "ap1g8"}};
  CHECK(judge_releases(reading).findings().front().fix == "apdepot verify /EWC/17_9_4a");
  CHECK(judge_releases(ReleasesReading()).state() == State::look);
}

TEST_CASE("of many that differ a few are told, and how many more") {
  auto reading = one();
  for (int i = 0; i < 9; ++i) reading.differ.push_back({"/EWC/" + std::to_string(i), "b.zip", "x"});
  const auto found = judge_releases(reading).findings();
  REQUIRE(found.size() == 5);
  CHECK(found.back().found.ends_with("x, and 4 more"));
}

TEST_CASE("a record that cannot be read fails") {
  auto reading = one();
  reading.damaged = {"17_9_4a.yaml: line 3: no"};
  CHECK(judge_releases(reading).state() == State::fails);
}
