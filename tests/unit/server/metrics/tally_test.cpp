#include "server/metrics/tally.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/events/all.hpp"
#include "server/events/warning.hpp"
#include "storage/images/device_log.hpp"
#include "tests/support/kept_event.hpp"

using namespace server;
using namespace server::event;
using namespace std::chrono_literals;

namespace {

using Labels = Tally::Labels;

TransferEnded took(double seconds) {
  return {7,
          Protocol::scp,
          "192.0.2.7",
          "ewc",
          "/a",
          "/a",
          false,
          100,
          60,
          seconds,
          {protocols::Cause::complete}};
}

std::size_t bucket_of(double seconds) {
  Tally tally;
  tally.count(took(seconds));
  const auto& counts = tally.seconds.at("scp").counts;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) return i;
  return counts.size();
}

ControllerSaid said(storage::LogMessage::Kind kind, std::uint64_t untold) {
  return {"192.0.2.1", "EWC", {kind}, "finding", "fix", true, untold};
}

}  // namespace

TEST_CASE("a transfer is in the bucket whose bound it does not exceed") {
  const std::pair<double, std::size_t> rows[] = {{0, 0},   {1, 0},    {1.001, 1},  {5, 1},
                                                 {5.5, 2}, {15, 2},   {60, 3},     {60.5, 4},
                                                 {300, 4}, {1800, 5}, {1800.5, 6}, {1e9, 6}};
  for (const auto& row : rows) {
    CAPTURE(row.first);
    CHECK(bucket_of(row.first) == row.second);
  }
  Tally tally;
  tally.count(took(1.5)), tally.count(took(2.5));
  CHECK(tally.seconds.at("scp").sum == 4);
  CHECK(tally.seconds.size() == 1);
}

TEST_CASE("bytes are counted by their direction, and packets that were sent again") {
  Tally tally;
  auto upload = took(1);
  upload.write = true;
  upload.bytes = 7;
  tally.count(upload), tally.count(took(1));
  auto over_tftp = took(1);
  over_tftp.protocol = Protocol::tftp;
  over_tftp.tftp = TftpDetails{512, 1, 5, 0};
  tally.count(over_tftp), tally.count(over_tftp);
  CHECK(tally.bytes ==
        Tally::Counts{{{"scp", "received"}, 7}, {{"scp", "sent"}, 60}, {{"tftp", "sent"}, 120}});
  CHECK(tally.resent == 10);
}

TEST_CASE("each event is counted where the metrics have it, and nowhere else") {
  using Kind = storage::LogMessage::Kind;
  storage::Imported imported;
  const Remapped remapped{"/a", storage::Rule::version};
  struct Row {
    KeptEvent event;
    Tally::Counts Tally::*counts;
    Labels labels;
    std::uint64_t count;
  };
  const Row rows[] = {
      {TftpLimited{7, "192.0.2.7", "/a", Limit::transfers}, &Tally::requests, {"tftp", "limited"}, 1},
      {TftpNoise{7, "192.0.2.7", Noise::unanswered, 40, 10s}, &Tally::requests, {"tftp", "unanswered"}, 40},
      {TftpNoise{7, "192.0.2.7", Noise::limited, 30, 10s}, &Tally::requests, {"tftp", "limited"}, 30},
      {SftpRemapped{7, "/A", remapped}, &Tally::remaps, {"version", ""}, 1},
      {Missed{7, Protocol::http, "192.0.2.7", "/a", {storage::Cause::lookalike, "", "", {}, {}}},
       &Tally::misses,
       {"http", "LOOKALIKE"},
       1},
      {LoggedIn{7, "ewc", "192.0.2.7", 22, "publickey"}, &Tally::logins, {"publickey", "accepted"}, 1},
      {LoginFailed{7, "ewc", "192.0.2.7", 22, "password"}, &Tally::logins, {"password", "failed"}, 1},
      {LoginFailed{7, "ewc", "192.0.2.7", 22, "keyboard-interactive"},
       &Tally::logins,
       {"other", "failed"},
       1},
      {WebLoggedIn{"maria", "192.0.2.7"}, &Tally::logins, {"page", "accepted"}, 1},
      {WebLoginFailed{"maria", "192.0.2.7"}, &Tally::logins, {"page", "failed"}, 1},
      {SshDropped{7, "192.0.2.7", "192.0.2.2", 1, 22, 0, SshLimit::penalty, Offence::no_login, 0},
       &Tally::dropped,
       {"penalty", ""},
       1},
      {SshDropped{7, "192.0.2.7", "192.0.2.2", 1, 22, 0, SshLimit::sessions, Offence::no_login, 999},
       &Tally::dropped,
       {"max_sessions", ""},
       1000},
      {said(Kind::signature_bad, 0), &Tally::controller_messages, {"signature_bad", ""}, 1},
      {said(Kind::failed, 6), &Tally::controller_messages, {"failed", ""}, 7},
      {SyslogRefused{"192.0.2.7", SyslogLimit::not_allowed, true, 5},
       &Tally::syslog_refused,
       {"allow", ""},
       1},
      {Published{"a.zip", imported, 2}, &Tally::imports, {"published", ""}, 1},
      {ImportRejected{"a.zip", "why", "where"}, &Tally::imports, {"rejected", ""}, 1},
      {ImportFailed{"a.zip", "why"}, &Tally::imports, {"failed", ""}, 1},
      {Warned{Warning::ports, "all are in use"}, &Tally::warnings, {"ports", ""}, 1}};
  for (const auto& row : rows) {
    CAPTURE(std::string(row.labels.first) + " " + std::string(row.labels.second));
    Tally tally;
    tally.count(row.event);
    CHECK((tally.*row.counts).size() == 1);
    CHECK((tally.*row.counts)[row.labels] == row.count);
    std::size_t all = tally.http_requests.size();
    for (const auto* counts :
         {&tally.requests, &tally.transfers, &tally.bytes, &tally.misses, &tally.remaps, &tally.logins,
          &tally.dropped, &tally.controller_messages, &tally.syslog_refused, &tally.imports, &tally.warnings})
      all += counts->size();
    CHECK(all == 1);
  }
}

TEST_CASE("a request that is served under another name counts as asked, and by its rule") {
  Tally tally;
  const Remapped remapped{"/a", storage::Rule::alias};
  tally.count(TftpRequested{7, "192.0.2.7", "/A", false, &remapped});
  tally.count(TftpRequested{8, "192.0.2.7", "/a", false, nullptr});
  CHECK(tally.requests == Tally::Counts{{{"tftp", "asked"}, 2}});
  CHECK(tally.remaps == Tally::Counts{{{"alias", ""}, 1}});
}

TEST_CASE("an answer over HTTP is a refusal from 400 on") {
  for (const auto& [status, refused] : {std::pair(399U, 0U), std::pair(400U, 1U)}) {
    Tally tally;
    tally.count(HttpAnswered{7, "192.0.2.7", status, "x"});
    CHECK(tally.requests.size() == refused);
    CHECK(tally.http_requests.size() == 1);
  }
}
