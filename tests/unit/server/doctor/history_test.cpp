#include "server/doctor/history.hpp"

#include <doctest/doctest.h>

#include "server/doctor/running.hpp"

using namespace server::doctor;

TEST_CASE("a history that is damaged, lacks rows or was moved aside is told") {
  HistoryReading well;
  well.there = true;
  CHECK(judge_history(well).findings() == std::vector<Finding>{{State::ok, "whole", ""}});
  auto damaged = well;
  damaged.damage = "row 7 missing\x1b[2J";
  const auto found = judge_history(damaged).findings();
  CHECK(found.front().state == State::fails);
  CHECK(found.front().found == "state/history.db is damaged: row 7 missing\\x1b[2J");
  auto lossy = well;
  lossy.server_warnings = 3;
  CHECK(judge_history(lossy).findings().front().found.find("warned 3 times") != std::string::npos);
  auto aside = well;
  aside.aside = "/depot/state/history.db.broken";
  CHECK(judge_history(aside).state() == State::look);
  CHECK(judge_history(aside).findings().front().fix.find("rm /depot/state/history.db.broken") !=
        std::string::npos);
  auto closed = well;
  closed.unreadable = "Permission denied";
  CHECK(judge_history(closed).state() == State::unknown);
  CHECK(judge_history({.kept = false}).state() == State::ok);
  CHECK(judge_history({}).state() == State::ok);
  auto unchecked = well;
  unchecked.checked = false;
  CHECK(judge_history(unchecked).findings().front().found != "whole");
}

TEST_CASE("how often the server has warned of its history is read out of its metrics") {
  CHECK(history_warnings_in("apdepot_warnings_total{kind=\"history\"} 12\napdepot_x 3\n") == 12);
  CHECK(history_warnings_in("apdepot_warnings_total{kind=\"log\"} 12\n") == 0);
  CHECK(history_warnings_in("apdepot_warnings_total{kind=\"history\"} ") == 0);
  CHECK(history_warnings_in("") == 0);
}
