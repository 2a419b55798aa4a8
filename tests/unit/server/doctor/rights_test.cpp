#include "server/doctor/rights.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;

namespace {

RightsReading good() {
  RightsReading reading;
  reading.depot = "/srv/depot";
  reading.asks = "root";
  reading.service = "apdepot";
  reading.is_service = true;
  return reading;
}

}  // namespace

TEST_CASE("what the service's user cannot use fails, with the command that gives it") {
  CHECK(judge_rights(good()).state() == State::ok);
  auto closed = good();
  closed.closed_folder = "/srv/depot/state";
  closed.closed_image = "/srv/depot/images/EWC/17_9_4a/ap1g8";
  const auto found = judge_rights(closed).findings();
  REQUIRE(found.size() == 2);
  CHECK(found[0].state == State::fails);
  CHECK(found[0].fix == "chown -R apdepot: /srv/depot");
  CHECK(found[1].fix == "chmod -R a+rX /srv/depot/images");
}

TEST_CASE("a server that would stay root is to look at") {
  auto reading = good();
  reading.service = "root";
  reading.stays_root = true;
  const auto result = judge_rights(reading);
  CHECK(result.state() == State::look);
  CHECK(result.findings().front().fix == "useradd --system apdepot; chown -R apdepot: /srv/depot");
}

TEST_CASE("another user cannot see what the service may do") {
  auto reading = good();
  reading.asks = "alice";
  reading.is_service = false;
  reading.closed_folder = "/srv/depot/state";
  CHECK(judge_rights(reading).state() == State::unknown);
}

TEST_CASE("a depot that is not there fails, and one that cannot be entered is unknown") {
  auto reading = good();
  reading.no_depot = "there is no depot in /srv/depot";
  CHECK(judge_rights(reading).state() == State::unknown);
  reading.missing = true;
  CHECK(judge_rights(reading).state() == State::fails);
}
