#include "server/api/rollout_api.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "server/events/event.hpp"
#include "server/events/protocol.hpp"
#include "server/events/syslog.hpp"
#include "storage/images/device_log.hpp"
#include "tests/unit/server/api/api_site.hpp"

using namespace server;
namespace record = storage::record;
using test::ApiSite;
using test::column;
using test::has;
using Texts = std::vector<std::string>;

namespace {

constexpr auto release = "/EWC/17_9_4a", imported = "2026-11-20T11:10:23Z";
constexpr std::int64_t imported_at = 1'795'173'023'000;

record::Transfer transfer(const std::string& client, const std::string& name,
                          const std::string& outcome = "whole") {
  record::Transfer made;
  made.started = imported_at + 1000, made.ended = imported_at + 5000;
  made.client = client, made.protocol = "tftp", made.file = std::string(release) + "/" + name;
  made.size = 1000, made.bytes = outcome == "whole" ? 1000U : 220U;
  made.outcome = outcome, made.cause = outcome == "whole" ? "complete" : "client_error";
  return made;
}

record::Described listed(const std::string& address, const std::string& model, const std::string& site) {
  record::Described made;
  made.key = made.address = address;
  made.model = model, made.site = site, made.listed_at = imported_at;
  return made;
}

// Of four devices one has the release, one broke off, one was never seen, and one reads it just now.
struct Site : ApiSite {
  test::Moves moves;
  Running::Entry entry;

  Site() {
    import_release(release, {{"ap1g7", "seven"}, {"ap1g8", "eight"}, {"readme.txt", "x"}}, imported);
    write_history({transfer("192.0.2.7", "ap1g8"), transfer("192.0.2.8", "ap1g7", "broke_off"),
                   record::Descriptions{{listed("192.0.2.7", "C9105AXI", "dock"),
                                         listed("192.0.2.8", "C9120AXI", "core"),
                                         listed("192.0.2.9", "C9105AXI", "dock")}}});
    moves.now.bytes = 380;
    entry = running.add(
        {1, event::Protocol::tftp, "192.0.2.10", "", "/a", std::string(release) + "/ap1g7", false, 1000},
        moves);
    entry.begin();
  }
  Reply rollout(const std::string& query = "") { return get("rollout", query); }
};

}  // namespace

TEST_CASE("who needs a person stands first, and all are counted by how far they are") {
  Site site;
  const auto reply = site.rollout();
  CHECK(column(reply, "address") == Texts{"192.0.2.8", "192.0.2.9", "192.0.2.10", "192.0.2.7"});
  CHECK(column(reply, "status") == Texts{"broke_off", "never_seen", "downloading", "fetched"});
  CHECK(has(reply.body,
            R"({"release":"/EWC/17_9_4a","version":"17.9.4a","imported_at":"2026-11-20T11:10:23Z",)"
            R"("have":1,"total":4,"counts":{"asked_in_vain":0,"broke_off":1,"stalled":0,"never_seen":1,)"
            R"("not_for_this_release":0,"downloading":1,"not_asked_yet":0,"fetched":1,"reported":0,)"
            R"("controller":0,"shared_address":0},"sites":["core","dock"])"));
  CHECK(has(reply.body, R"("address":"192.0.2.10","name":null,"model":null,"site":null,"image":null,)"
                        R"("status":"downloading","percent":38,"tries":0,"last_at":null,"method":"tftp",)"
                        R"("evidence":"ap1g7, 380 bytes so far")"));
}

TEST_CASE("a site or a status asks for less, and the sites that there are stay known") {
  Site site;
  const auto dock = site.rollout("site=dock");
  CHECK(column(dock, "address") == Texts{"192.0.2.9", "192.0.2.7"});
  CHECK(has(dock.body, R"("have":1,"total":2)"));
  CHECK(has(dock.body, R"("sites":["core","dock"])"));
  const auto broken = site.rollout("status=broke_off");
  CHECK(column(broken, "address") == Texts{"192.0.2.8"});
  CHECK(has(broken.body, R"("have":1,"total":4)"));
  CHECK(has(site.rollout("site=nowhere").body, R"("have":0,"total":0)"));
}

TEST_CASE("each status can be asked for, and an unknown one is refused with those that there are") {
  Site site;
  for (std::size_t i = 0; i < rollout_statuses; ++i) {
    const auto status = std::string(word(static_cast<RolloutStatus>(i)));
    CAPTURE(status);
    CHECK(site.rollout("status=" + status).status == 200);
  }
  CHECK(site.rollout("status=").status == 200);
  const auto unknown = site.rollout("status=x");
  CHECK(unknown.status == 400);
  CHECK(has(unknown.body, "status=x: it is one of asked_in_vain, broke_off, stalled, never_seen, "));
  CHECK(has(unknown.body, ", controller, shared_address\""));
}

TEST_CASE("the rows are given in pages") {
  Site site;
  const auto first = site.rollout("limit=3");
  CHECK(column(first, "address") == Texts{"192.0.2.8", "192.0.2.9", "192.0.2.10"});
  CHECK(test::json(first)["next"].as<int>() == 3);
  const auto second = site.rollout("limit=3&after=3");
  CHECK(column(second, "address") == Texts{"192.0.2.7"});
  CHECK(test::json(second)["next"].IsNull());
  CHECK(has(second.body, R"("have":1,"total":4)"));
  CHECK(column(site.rollout("after=40000"), "address").empty());
  for (const auto* query : {"limit=0", "limit=1001", "after=40001", "version=17.9.4a"}) {
    CAPTURE(query);
    CHECK(site.rollout(query).status == 400);
  }
}

TEST_CASE("of each image it is told who needs it, and whether the release has it") {
  Site site;
  site.write_history({record::Descriptions{{listed("192.0.2.20", "AIR-CAP1532I-E-K9", "dock")}}});
  const auto images = test::json(site.rollout())["images"];
  std::vector<std::string> told;
  for (const auto& each : images)
    told.push_back(each["image"].as<std::string>() + " " + each["there"].as<std::string>() + " " +
                   each["have"].as<std::string>() + "/" + each["need"].as<std::string>());
  CHECK(told == Texts{"ap1g3 false 0/1", "ap1g7 true 0/1", "ap1g8 true 1/2"});
}

TEST_CASE("a release is asked for by its path; without one it is that which devices should have") {
  ApiSite site;
  const auto none = site.get("rollout");
  CHECK(none.status == 404);
  CHECK(has(none.body, "nothing is imported yet"));
  site.import_release("/EWC/17_12_1", {{"ap1g8", "x"}}, "2026-11-21T00:00:00Z");
  site.import_release("/EWC/17_9_4a", {{"ap1g8", "x"}}, "2026-11-20T00:00:00Z");
  const auto asked = [&](const std::string& query) {
    return test::json(site.get("rollout", query))["release"].as<std::string>("");
  };
  CHECK(asked("") == "/EWC/17_12_1");
  CHECK(asked("release=%2FEWC%2F17_9_4a") == "/EWC/17_9_4a");
  site.send("POST", "releases/EWC/17_9_4a/promote");
  CHECK(asked("") == "/EWC/17_9_4a");
  const auto other = site.get("rollout", "release=17.9.4a");
  CHECK(other.status == 404);
  CHECK(has(other.body, "17.9.4a is not a release here"));
  CHECK(has(other.body, "GET /api/v1/releases lists them"));
}

TEST_CASE("what a device said in its own log since stands in the evidence of one that lacks the release") {
  Site site;
  const auto note = [&](const std::string& client, const std::string& finding, std::int64_t milliseconds) {
    site.recent.note(
        event::ControllerSaid{client, "", {storage::LogMessage::Kind::failed}, finding, "", true},
        Recent::Clock::time_point{std::chrono::milliseconds(milliseconds)});
  };
  note("192.0.2.8", "before it was seen", imported_at);
  note("192.0.2.9", "first", imported_at + 1);
  note("192.0.2.9", "Timed out", imported_at + 2);
  note("192.0.2.7", "it failed before", imported_at + 60'000);
  const auto reply = site.rollout();
  CHECK(has(reply.body, "since the import at 2026-11-20T11:10:23Z; its log says: Timed out"));
  CHECK_FALSE(has(reply.body, "first"));
  CHECK_FALSE(has(reply.body, "before it was seen"));
  CHECK_FALSE(has(reply.body, "it failed before"));
}

TEST_CASE("what is said of a device just now counts in the next answer") {
  Site site;
  site.send("PATCH", "devices/192.0.2.9", R"({"site":"roof"})");
  CHECK(column(site.rollout("site=roof"), "address") == Texts{"192.0.2.9"});
}

TEST_CASE("the evidence of a row is bounded, and what nobody knows is null") {
  RolloutRow row;
  row.status = RolloutStatus::asked_in_vain;
  row.evidence = std::string(5000, 'x');
  const auto json = to_json(row);
  CHECK(
      json.starts_with(R"({"address":null,"name":null,"model":null,"site":null,"image":null,)"
                       R"("status":"asked_in_vain","percent":null,"tries":0,"last_at":null,"method":null,)"));
  CHECK(json.ends_with("x...\"}"));
  CHECK(json.size() < 2300);
}
