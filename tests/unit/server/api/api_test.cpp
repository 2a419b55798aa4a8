#include "server/api/api.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "server/events/import.hpp"
#include "server/events/protocol.hpp"
#include "server/events/transfer.hpp"
#include "tests/unit/server/api/api_site.hpp"

using namespace server;
using namespace std::chrono_literals;
using test::ApiSite;
using test::column;
using test::has;

namespace {

event::TransferBegan transfer(const std::string& name, event::Protocol protocol = event::Protocol::tftp) {
  return {7, protocol, "192.0.2.7", "", name, name, false, 1000};
}

std::string metrics(ApiSite& site, const std::string& accept = "") {
  return site.ask({.method = "GET", .path = "/metrics", .accept = accept}).body;
}

// A transfer that throws once, as where memory is short.
struct Fails final : Moving {
  mutable bool failed = false;
  Moved moved() const override {
    if (!std::exchange(failed, true)) throw std::bad_alloc();
    return {0, 0, Running::Clock::now()};
  }
  void stop_by_administrator() override {}
};

// A transfer that counts how often it is asked.
struct Counts final : Moving {
  mutable std::size_t asked = 0;
  Moved moved() const override {
    ++asked;
    return {0, 0, Running::Clock::now()};
  }
  void stop_by_administrator() override {}
};

}  // namespace

TEST_CASE("a server that ends says so to whoever asks after its health, at every door") {
  ApiSite site;
  const http::Request request{.method = "GET", .path = "/healthz"};
  for (const bool draining : {false, true}) {
    site.process.draining = draining;
    for (const auto door : {http::Door::control, http::Door::page, http::Door::metrics}) {
      std::optional<http::Reply> answer;
      site.router.answer(request, door, http::Respond([&](http::Reply reply) { answer = std::move(reply); }));
      REQUIRE(answer);
      CHECK(answer->status == (draining ? 503 : 200));
      CHECK(answer->type == "text/plain");
      CHECK(answer->body == (draining ? "draining\n" : "ok\n"));
    }
  }
}

TEST_CASE("at the door of the metrics there are metrics and the health, and nothing else") {
  ApiSite site;
  std::vector<std::string> open;
  for (const auto& route : site.router.routes())
    if (route.doors.contains(http::Door::metrics)) open.push_back(route.method + " " + route.pattern);
  CHECK(open == std::vector<std::string>{"GET /metrics", "GET /healthz"});
}

TEST_CASE("the list of endpoints says of each who may use it and whether it changes something") {
  ApiSite site;
  site.router.add({"GET", "/app.js", http::Role::none, false, {http::Door::page}, nullptr});
  const auto reply = site.get("endpoints");
  CHECK(has(reply.body, R"({"method":"GET","path":"/healthz","needs":"none","writes":false})"));
  CHECK(has(reply.body, R"({"method":"GET","path":"/api/v1/status","needs":"viewer","writes":false})"));
  CHECK(
      has(reply.body, R"({"method":"DELETE","path":"/api/v1/transfers/{}","needs":"admin","writes":true})"));
  CHECK_FALSE(has(reply.body, "app.js"));
  CHECK(test::json(reply)["next"].IsNull());
}

TEST_CASE("a transfer is stopped by its id, and by who asked that is told") {
  ApiSite site;
  test::Moves first, second;
  const auto one = site.running.add(transfer("/a"), first), two = site.running.add(transfer("/b"), second);
  CHECK(site.send("DELETE", "transfers/2").status == 204);
  CHECK(first.stops == 0);
  CHECK(second.stops == 1);
  REQUIRE(site.acts.size() == 1);
  CHECK(site.acts[0].who == "maria");
  CHECK(site.acts[0].act == "stop transfer");
  CHECK(site.acts[0].subject == "2");
  CHECK(site.acts[0].outcome == "done");
  for (const auto* id : {"3", "0", "-1", "+1", "1x", "0x1", "18446744073709551617", "%20"}) {
    CAPTURE(id);
    const auto reply = site.send("DELETE", std::string("transfers/") + id);
    CHECK(reply.status == 404);
    CHECK(has(reply.body, "is running"));
  }
  CHECK(first.stops == 0);
  CHECK(site.acts.size() == 1);
}

TEST_CASE("transfers go on after the id that the page before ended with") {
  ApiSite site;
  test::Moves moves;
  const auto one = site.running.add(transfer("/a"), moves), two = site.running.add(transfer("/b"), moves);
  CHECK(column(site.get("transfers"), "path") == std::vector<std::string>{"/a", "/b"});
  CHECK(column(site.get("transfers", "after=1"), "path") == std::vector<std::string>{"/b"});
  CHECK(site.get("transfers", "after=18446744073709551615").body == "{\"items\":[],\"next\":null}\n");
  for (const auto* query : {"after=", "after=x", "after=1&limit=2", "limit=2", "after=-1"}) {
    CAPTURE(query);
    const auto reply = site.get("transfers", query);
    CHECK(reply.status == 400);
    CHECK(has(reply.body, "is not a query of this list"));
  }
}

TEST_CASE("a look at the disk that breaks off because memory is short is taken again") {
  ApiSite site;
  Fails fails;
  auto entry = site.running.add(transfer("/a"), fails);
  entry.begin();
  CHECK_THROWS_AS(site.get("status"), std::bad_alloc);
  CHECK(test::json(site.get("status"))["disk"].IsNull());
  site.run_until([&] { return site.lanes.asking.busy() == 0; });
  CHECK(test::json(site.get("status"))["disk"]["total"].as<std::uint64_t>() > 0);
}

TEST_CASE("the status tells how things stand now, and what takes a look at the disk once that was taken") {
  ApiSite site;
  site.import_release("/EWC/17_9_4a", {{"ap1g8", "x"}});
  site.configured->expected = {*conf::parse_network("192.0.2.20")};
  site.process.draining = true;
  site.process.sessions = 3, site.process.releases = 1;
  site.process.tftp = {"0.0.0.0:69"}, site.process.http = {"https://0.0.0.0:443"};
  site.process.certificate_ends =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() + 49h);
  site.tally.transfers = {{{"tftp", "whole"}, 5}, {{"sftp", "whole"}, 2}, {{"tftp", "broke_off"}, 1}};
  site.tally.bytes = {{{"tftp", "sent"}, 70}, {{"sftp", "received"}, 7}};
  site.tally.misses = {{{"tftp", "NOT_FOUND"}, 3}, {{"sftp", "LOOKALIKE"}, 1}};
  test::Moves moves, stalls;
  stalls.now.last = Running::Clock::now() - 20s;
  auto one = site.running.add(transfer("/a"), moves), two = site.running.add(transfer("/b"), stalls);
  one.begin(), two.begin();
  site.api->note(event::ImportStarted{"a.zip"});
  site.api->note(event::ImportRejected{"b.zip", "its end is cut off", "rejected/b.zip"});

  const auto first = site.get("status");
  CHECK(has(first.body, R"("draining":true)"));
  CHECK(has(
      first.body,
      R"("listen":{"tftp":["0.0.0.0:69"],"ssh":[],"http":["https://0.0.0.0:443"],"web":[],"syslog":[]})"));
  CHECK(has(first.body, R"("transfers":{"running":2,"stalled":1,"rate":0},"sessions":3,"releases":1,)"
                        R"("since_start":{"whole":7,"partly":0,"broke_off":1,"misses":4,"bytes":77},)"
                        R"("today":null,"rollout":null,"disk":null,)"));
  CHECK(has(first.body, R"("file":"a.zip","state":"running")"));
  CHECK(has(first.body, R"("rejected":1})"));
  CHECK(column(first, "code", "verdict") ==
        std::vector<std::string>{"DRAINING", "STALLED", "IMPORT_REJECTED", "CERTIFICATE"});
  CHECK(has(first.body, "the certificate for HTTPS ends in 2 days"));

  site.run_until([&] { return site.lanes.busy() == 0; });
  const auto later = site.get("status");
  CHECK(has(later.body,
            R"("today":null,"rollout":{"release":"/EWC/17_9_4a","version":"17.9.4a","have":0,"of":1,)"
            R"("never_seen":1},"disk":{"free":)"));
}

TEST_CASE("thousands of transfers are asked how far they are in many short turns of the loop") {
  ApiSite site;
  Counts counts;
  std::deque<Running::Entry> entries;
  for (int i = 0; i < 5000; ++i) {
    entries.push_back(site.running.add(transfer("/a", event::Protocol::http), counts));
    entries.back().begin();
  }
  for (const auto* const path : {"/api/v1/status", "/metrics"}) {
    CAPTURE(path);
    const auto answer = site.begin({.method = "GET", .path = path});
    std::size_t most = std::exchange(counts.asked, 0), all = most;
    site.run_until([&] {
      const auto asked = std::exchange(counts.asked, 0);
      most = std::max(most, asked);
      all += asked;
      return answer->has_value();
    });
    CHECK(all >= 5000);
    CHECK(most <= RunningReads::summed_at_once + RunningReads::at_once);
    CHECK((*answer)->status == 200);
  }
}

TEST_CASE("metrics are in the format that the client accepts, and tell of the transfers that run") {
  ApiSite site;
  test::Moves moves;
  auto stalls = test::Moves();
  stalls.now.last = Running::Clock::now() - 20s;
  auto one = site.running.add(transfer("/a", event::Protocol::scp), moves);
  auto two = site.running.add(transfer("/b"), stalls), three = site.running.add(transfer("/c"), moves);
  one.begin(), two.begin(), three.begin();
  const auto old = site.ask({.method = "GET", .path = "/metrics"});
  CHECK(old.type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK_FALSE(has(old.body, "# EOF"));
  const auto open = site.ask({.method = "GET",
                              .path = "/metrics",
                              .accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"});
  CHECK(open.type == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(open.body.ends_with("# EOF\n"));
  for (const auto& body : {old.body, open.body}) {
    CHECK(has(body, "apdepot_transfers_running{protocol=\"http\"} 0\n"));
    CHECK(has(body, "apdepot_transfers_running{protocol=\"scp\"} 1\n"));
    CHECK(has(body, "apdepot_transfers_running{protocol=\"sftp\"} 0\n"));
    CHECK(has(body, "apdepot_transfers_running{protocol=\"tftp\"} 2\n"));
    CHECK(has(body, "apdepot_transfers_stalled 1\n"));
  }
}

TEST_CASE("metrics have what takes a look at the disk once that was taken, and the last import") {
  ApiSite site;
  site.import_release("/EWC/17_9_4a", {{"ap1g8", "x"}}, "2026-11-20T11:10:23Z", false);
  site.configured->expected = {*conf::parse_network("192.0.2.20")};
  CHECK_FALSE(has(metrics(site), "apdepot_rollout_devices"));
  CHECK_FALSE(has(metrics(site), "apdepot_import_last_success_timestamp_seconds"));
  site.run_until([&] { return site.lanes.busy() == 0; });
  storage::Imported imported;
  imported.path = "/EWC/17_9_4a";
  site.api->note(event::Published{"a.zip", imported, 2});
  const auto body = metrics(site);
  CHECK(has(body, "apdepot_releases_unverified 1\n"));
  CHECK(has(body, "apdepot_devices{kind=\"unknown\"} 1\n"));
  CHECK(has(body, "apdepot_rollout_devices{release=\"/EWC/17_9_4a\",status=\"never_seen\"} 1\n"));
  CHECK(has(body, "apdepot_rollout_devices{release=\"/EWC/17_9_4a\",status=\"fetched\"} 0\n"));
  CHECK(has(body, "apdepot_depot_free_bytes "));
  CHECK(has(body, "apdepot_import_last_success_timestamp_seconds "));
}
