#include "server/doctor/service.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;
using namespace std::chrono_literals;

namespace {

constexpr auto shown =
    "NRestarts=5\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"
    "ActiveEnterTimestampMonotonic=60000000\n"
    "\nLoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n"
    "\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
    "\nLoadState=loaded\nActiveState=active\nUnitFileState=disabled\n"
    "\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n";

}  // namespace

TEST_CASE("what systemd says of the five units is read") {
  const auto units = units_in(shown);
  CHECK(units.service.is_loaded());
  CHECK(units.service.restarts == 5);
  CHECK(units.service.began == 60s);
  CHECK(units.tftp.is_in_use());
  CHECK_FALSE(units.ssh.is_in_use());
  CHECK(units.http.is_in_use());
  CHECK_FALSE(units.https.is_in_use());
  CHECK(units_in("").service.load.empty());
}

TEST_CASE("a service that was restarted often within the hour is to look at") {
  const auto units = units_in(shown);
  CHECK(
      judge_service(units, 10min).findings() ==
      std::vector<Finding>{{State::look, "systemd has restarted the service 5 times, the last time 9 min ago",
                            "journalctl -u apdepot -p err"}});
  CHECK(judge_service(units, 2h).state() == State::ok);
}

TEST_CASE("a service that does not run fails, and one that is not enabled is to look at") {
  auto units = units_in(shown);
  units.service.restarts = 0;
  units.service.enabled = "disabled";
  CHECK(judge_service(units, 2h).findings().front().fix == "systemctl enable apdepot");
  units.service.active = "failed";
  CHECK(judge_service(units, 2h).findings().front().fix == "journalctl -u apdepot -p err");
  units.service.active = "inactive";
  CHECK(judge_service(units, 2h).findings().front().fix == "systemctl start apdepot");
  CHECK(judge_service({}, 2h).state() == State::look);
  Units none;
  none.failure = "this host does not run systemd";
  CHECK(judge_service(none, 2h).state() == State::unknown);
}
