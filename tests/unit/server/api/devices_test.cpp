#include "server/api/devices.hpp"

#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

#include "server/events/protocol.hpp"
#include "tests/unit/server/api/api_site.hpp"

using namespace server;
namespace record = storage::record;
using test::ApiSite;
using test::column;
using test::has;

namespace {

constexpr std::int64_t at = 1'005'000;

record::Transfer transfer(const std::string& client, const std::string& file, std::int64_t ended = at,
                          const std::string& outcome = "whole") {
  record::Transfer made;
  made.started = ended - 1000, made.ended = ended;
  made.client = client, made.protocol = "tftp", made.file = file;
  made.size = 1000, made.bytes = 1000;
  made.outcome = outcome, made.cause = outcome == "whole" ? "complete" : "client_error";
  return made;
}

record::Miss miss(const std::string& client, const std::string& asked) {
  record::Miss made;
  made.last_at = made.first_at = at;
  made.client = client, made.protocol = "tftp", made.cause = "NOT_FOUND", made.asked = asked;
  return made;
}

record::Described described(const std::string& key, const std::string& name, const std::string& site) {
  record::Described made;
  made.key = key, made.name = name, made.site = site;
  if (key.find("name ") != 0) made.address = key;
  return made;
}

// Two devices that fetch, one that a list has and nobody saw, and one that asked in vain.
struct Fleet : ApiSite {
  Fleet() {
    write_history({transfer("192.0.2.7", "/EWC/17_9_4a/ap1g8", at),
                   transfer("192.0.2.7", "/EWC/17_9_4a/ap1g8", at + 1),
                   transfer("192.0.2.7", "/EWC/17_9_4a/ap1g8", at + 2, "broke_off"),
                   transfer("192.0.2.8", "/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin", at + 3),
                   miss("192.0.2.9", "/x"), miss("192.0.2.9", "/x"), miss("192.0.2.9", "/y"),
                   record::Descriptions{
                       {described("192.0.2.7", "Floor-1", "dock"), described("192.0.2.8", "9800", "core")}}});
    configured->expected = {*conf::parse_network("192.0.2.20")};
  }
  std::vector<std::string> addresses(const std::string& query) {
    return column(get("devices", query), "address");
  }
};

using Texts = std::vector<std::string>;

constexpr auto list =
    "name,address,model,site,kind\n"
    "floor-1,192.0.2.7,9120AXI,dock,access point\n"
    "floor-2,192.0.2.8,,dock,\n";

}  // namespace

TEST_CASE("who was never seen though expected stands first, and a page goes on after the one before") {
  Fleet site;
  const auto first = site.get("devices", "limit=3");
  CHECK(column(first, "address") == Texts{"192.0.2.20", "192.0.2.8", "192.0.2.7"});
  CHECK(test::json(first)["next"].as<int>() == 3);
  CHECK(test::json(first)["total"].as<int>() == 4);
  const auto second = site.get("devices", "limit=3&after=3");
  CHECK(column(second, "address") == Texts{"192.0.2.9"});
  CHECK(test::json(second)["next"].IsNull());
  CHECK(test::json(site.get("devices", "limit=4"))["next"].IsNull());
  const auto beyond = site.get("devices", "after=40000");
  CHECK(beyond.body == "{\"items\":[],\"next\":null,\"total\":4}\n");
}

TEST_CASE("devices are asked for by kind, by site and by a part of their texts") {
  Fleet site;
  CHECK(site.addresses("kind=controller") == Texts{"192.0.2.8"});
  CHECK(site.addresses("kind=access+point") == Texts{"192.0.2.7"});
  CHECK(site.addresses("kind=unknown") == Texts{"192.0.2.20", "192.0.2.9"});
  CHECK(site.addresses("site=dock") == Texts{"192.0.2.7"});
  CHECK(site.addresses("site=doc") == Texts{});
  CHECK(site.addresses("q=FLOOR") == Texts{"192.0.2.7"});
  CHECK(site.addresses("q=192.0.2.2") == Texts{"192.0.2.20"});
  CHECK(site.addresses("q=floor&site=core") == Texts{});
  for (const auto* query : {"kind=printer", "limit=0", "limit=1001", "after=40001", "address=192.0.2.7"}) {
    CAPTURE(query);
    CHECK(site.get("devices", query).status == 400);
  }
}

TEST_CASE("a row counts what its device fetched, what broke off, what it missed and what runs") {
  Fleet site;
  test::Moves moves;
  auto entry = site.running.add(
      {1, event::Protocol::tftp, "192.0.2.7", "", "/a", "/EWC/17_9_4a/ap1g7", false, 1000}, moves);
  entry.begin();
  const auto reply = site.get("devices", "q=192.0.2.7");
  CHECK(has(reply.body, R"("running":1,"whole":2,"broke_off":1,"misses":0)"));
  CHECK(has(site.get("devices", "q=192.0.2.9").body, R"("running":0,"whole":0,"broke_off":0,"misses":3)"));
  CHECK(has(site.get("devices", "q=192.0.2.20").body, R"("expected":true,"first_at":null,"last_at":null)"));
}

TEST_CASE("one device is told with all that is known of it, the newest first") {
  Fleet site;
  const auto reply = test::json(site.get("devices/192.0.2.7"));
  CHECK(reply["name"].as<std::string>() == "Floor-1");
  CHECK(reply["reported"].IsNull());
  REQUIRE(reply["holdings"].size() == 1);
  CHECK(reply["holdings"][0]["times"].as<int>() == 2);
  REQUIRE(reply["ended"].size() == 3);
  CHECK(reply["ended"][0]["outcome"].as<std::string>() == "broke_off");
  CHECK(reply["missed"].size() == 0);
  CHECK(test::json(site.get("devices/192.0.2.9"))["missed"].size() == 2);
}

TEST_CASE("a device is found by any spelling of its address, and by what it reads just now") {
  ApiSite site;
  site.write_history({transfer("2001:db8::7", "/EWC/17_9_4a/ap1g8")});
  CHECK(site.get("devices/2001%3ADB8%3A0%3A0%3A%3A7").status == 200);
  CHECK(site.get("devices/192.0.2.7").status == 404);
  test::Moves moves;
  moves.now.bytes = 380;
  auto entry = site.running.add(
      {1, event::Protocol::tftp, "192.0.2.7", "", "/a", "/EWC/17_9_4a/ap1g7", false, 1000}, moves);
  entry.begin();
  const auto reply = site.get("devices/192.0.2.7");
  CHECK(reply.status == 200);
  CHECK(has(reply.body,
            R"("transfers":[{"path":"/EWC/17_9_4a/ap1g7","bytes":380,"size":1000,"stalled":false,)"
            R"("protocol":"tftp"}])"));
  for (const auto* address : {"192.0.2.70", "printer", "192.0.2.7.8"}) {
    CAPTURE(address);
    const auto none = site.get(std::string("devices/") + address);
    CHECK(none.status == 404);
    CHECK(has(none.body, "never asked for anything here"));
  }
}

TEST_CASE("what a person says of a device is in the next answer, before the history has written it") {
  ApiSite site;
  const auto reply = site.send("PATCH", "devices/192.0.2.7", R"({"name":"floor-1","kind":"controller"})");
  CHECK(reply.body ==
        R"({"address":"192.0.2.7","name":"floor-1","model":null,"site":null,"kind":"controller"})"
        "\n");
  CHECK(test::json(site.get("devices/192.0.2.7"))["kind"].as<std::string>() == "controller");
  CHECK(has(site.get("devices").body, R"("name":"floor-1")"));
  site.send("PATCH", "devices/192.0.2.7", R"({"site":"dock","kind":null})");
  CHECK(has(site.get("devices").body, R"("name":"floor-1","model":null,"site":"dock","kind":"unknown")"));
  REQUIRE(site.kept.size() == 2);
  CHECK(std::get<record::Descriptions>(site.kept[1]).devices.at(0).name == "floor-1");
  REQUIRE(site.acts.size() == 2);
  CHECK(site.acts[0].who == "maria");
  CHECK(site.acts[0].act == "change device");
  CHECK(site.acts[0].subject == "192.0.2.7");
  CHECK(site.acts[0].outcome == "done");
}

TEST_CASE("a person's word is kept in one line and within bounds, under the address as the log has it") {
  ApiSite site;
  const auto reply = site.send("PATCH", "devices/2001%3ADB8%3A%3A7",
                               "{\"name\":\"a\\u001b[2J\",\"site\":\"" + std::string(5000, 'x') + "\"}");
  REQUIRE(reply.status == 200);
  CHECK(has(reply.body, R"("address":"2001:db8::7","name":"a\\x1b[2J")"));
  CHECK(reply.body.size() < 400);
}

TEST_CASE("a change of a device that is not understood changes nothing, and says why") {
  struct Row {
    const char *address, *body, *detail;
  };
  const Row rows[] = {{"printer", R"({"name":"a"})", "printer is not an IP address"},
                      {"192.0.2.7", "[]", "the request is not a JSON object"},
                      {"192.0.2.7", "{", "the request cannot be read"},
                      {"192.0.2.7", R"({"address":"192.0.2.8"})",
                       "address is not a member that can be changed: name, site, kind and model can"},
                      {"192.0.2.7", R"({"name":["a"]})", "name is not a text"},
                      {"192.0.2.7", R"({"name":"a","kind":"printer"})",
                       "printer is not a kind: access point, controller, shared address and unknown are"}};
  ApiSite site;
  for (const auto& row : rows) {
    CAPTURE(row.body);
    const auto reply = site.send("PATCH", std::string("devices/") + row.address, row.body);
    CHECK(reply.status == 400);
    CHECK(has(reply.body, row.detail));
    CHECK(site.kept.empty());
    CHECK(has(site.acts.back().outcome, row.detail));
  }
  CHECK(site.get("devices").body == "{\"items\":[],\"next\":null,\"total\":0}\n");
}

TEST_CASE("without a history a change of a device is refused") {
  ApiSite site;
  site.keeps = false;
  const auto reply = site.send("PATCH", "devices/192.0.2.7", R"({"name":"floor-1"})");
  CHECK(reply.status == 503);
  CHECK(has(reply.body, "history.days is 0"));
  CHECK(site.get("devices/192.0.2.7").status == 404);
  REQUIRE(site.acts.size() == 1);
  CHECK(has(site.acts[0].outcome, "no history is kept"));
  CHECK(site.send("POST", "inventory", list, "text/csv").status == 503);
}

TEST_CASE("an inventory is tried without changing anything, and then taken") {
  ApiSite site;
  const auto ask = [&](const char* query) {
    return site.ask({.method = "POST",
                     .path = "/api/v1/inventory",
                     .query = query,
                     .content_type = "text/csv",
                     .body = list});
  };
  const auto tried = ask("dry_run=1");
  CHECK(has(tried.body,
            R"({"dry_run":true,"understood":2,"unknown":0,"unknown_lines":[],"changes":2,"changed":[)"));
  CHECK(site.kept.empty());
  CHECK(site.acts.empty());
  CHECK(column(site.get("devices"), "name").empty());

  const auto taken = ask("");
  CHECK(has(taken.body, R"("dry_run":false)"));
  CHECK(has(
      taken.body,
      R"({"name":"floor-1","address":"192.0.2.7","new":true,"members":["address","name","model","site","kind"]})"));
  CHECK(column(site.get("devices"), "name") == Texts{"floor-1", "floor-2"});
  REQUIRE(site.acts.size() == 1);
  CHECK(site.acts[0].who == "an administrator of this host");
  CHECK(site.acts[0].subject == "a list");
  CHECK(has(ask("").body, R"("changes":0,"changed":[])"));
}

TEST_CASE("a line of an inventory that nobody understands is given back, and the others are taken") {
  ApiSite site;
  const auto reply = site.send("POST", "inventory",
                               "AP1 17.9.4.27 17.12.1.5 Complete\n"
                               "\x1b[2Jhello there\n",
                               "text/plain");
  CHECK(has(reply.body, R"("understood":1,"unknown":1,"unknown_lines":["\\x1b[2Jhello there"],"changes":1)"));
  CHECK(site.acts.at(0).subject == "a controller's tables");
  CHECK(column(site.get("devices"), "address") == Texts{"null"});
}

TEST_CASE("an inventory of another type is refused, and so is a parameter that nobody knows") {
  ApiSite site;
  const auto reply = site.send("POST", "inventory", list, "application/json");
  CHECK(reply.status == 415);
  CHECK(has(reply.body, "name,address,model,site,kind"));
  for (const auto* query : {"dry_run=yes", "dry-run=1"}) {
    CAPTURE(query);
    CHECK(site.ask({.method = "POST",
                    .path = "/api/v1/inventory",
                    .query = query,
                    .content_type = "text/csv",
                    .body = list})
              .status == 400);
  }
  CHECK(site.kept.empty());
}
