#include "server/api/questions.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/server/api/api_site.hpp"

using namespace server;
using test::ApiSite;
using test::has;

namespace {

struct Site : ApiSite {
  Site() { import_release("/EWC/17_9_4a", {{"ap1g8", "image"}}); }
};

}  // namespace

TEST_CASE("a question is answered as the server would answer the device that asks") {
  Site site;
  CHECK(site.get("explain", "path=%2Fewc%2F17.9.4a%2Fap1g8").body ==
        R"({"path":"/ewc/17.9.4a/ap1g8","served":"/EWC/17_9_4a/ap1g8","rule":"version","cause":null,)"
        R"("nearest":null,"fix":null})"
        "\n");
  site.configured->tftp.deny = {*conf::parse_network("2001:db8::/32")};
  const std::string asks = "path=/EWC/17_9_4a/ap1g8&client=2001:db8::7";
  CHECK(has(site.get("explain", asks).body, R"("fix":"its address is in tftp.deny")"));
  CHECK(has(site.get("explain", asks + "&protocol=http").body, R"("fix":"its address is in tftp.deny")"));
  CHECK(has(site.get("explain", asks + "&protocol=sftp").body, R"("rule":"exact")"));
  CHECK(has(site.get("explain", "path=/uploads/a.cfg&write=1").body, R"("fix":"tftp.uploads allows them")"));
  site.configured->tftp.uploads = true;
  CHECK(has(site.get("explain", "path=/uploads/a.cfg&write=1").body, R"("served":"/uploads/a.cfg")"));
  CHECK(has(site.get("explain", "path=/uploads/a.cfg&write=0").body, R"("served":null)"));
}

TEST_CASE("a question that is not understood is refused, with the first thing that is wrong") {
  struct Row {
    const char *path, *query, *detail;
  };
  const Row rows[] = {
      {"explain", "", "path is missing: the name that a device asks for"},
      {"explain", "path=", "path is missing"},
      {"explain", "path=a&protocol=scp", "protocol=scp: it is one of tftp, sftp, http"},
      {"explain", "path=a&protocol=http&write=1", "write=1: HTTP serves files, and takes none"},
      {"explain", "path=a&write=yes", "write=yes: it is 0 or 1"},
      {"explain", "path=a&client=floor-1", "client=floor-1: it is an IPv4 or IPv6 address"},
      {"explain", "path=a&client=%1b[2J", R"("client=\\x1b[2J: it is an IPv4 or IPv6 address)"},
      {"explain", "path=a&user=ewc",
       "user is not a parameter here; there are: path, protocol, client, write"},
      {"controller-lines", "", "release is missing: its path, or any spelling of its version"},
      {"controller-lines", "release=17.9.4a&mode=scp", "mode=scp: it is one of tftp, sftp, http"},
      {"controller-lines", "release=17.9.4a&address=server%0areload", "it is an IPv4 or IPv6 address"}};
  for (const auto& row : rows) {
    CAPTURE(row.query);
    Site site;
    const auto reply = site.get(row.path, row.query);
    CHECK(reply.status == 400);
    CHECK(has(reply.body, row.detail));
  }
}

TEST_CASE("lines for a controller are given for a release that is here, and nothing for another") {
  Site site;
  const auto reply = site.get("controller-lines", "release=17.9.4a&address=192.0.2.2");
  CHECK(reply.status == 200);
  CHECK(has(reply.body, R"("mode":"tftp","server":"192.0.2.2","path":"/EWC/17_9_4a")"));
  const auto other = site.get("controller-lines", "release=17.12.1");
  CHECK(other.status == 404);
  CHECK(has(other.body, "17.12.1 is not a release here; there are: /EWC/17_9_4a"));
  CHECK(has(other.body, "GET /api/v1/releases lists them"));
}

TEST_CASE("the settings in force are told without what opens an account") {
  ApiSite site;
  conf::User user;
  user.name = "ewc";
  user.password_hash = "$scrypt$ln=14,r=8,p=5$c2FsdA$aGFzaA";
  site.configured->ssh.users = {user};
  site.configured->tftp.max_window = 7;
  const auto reply = site.get("config");
  CHECK(reply.body.starts_with("{\"file\":null,\"settings\":{"));
  CHECK(reply.body.ends_with("}}\n"));
  CHECK_FALSE(has(reply.body, "$scrypt"));
  const auto settings = test::json(reply)["settings"];
  CHECK(settings["tftp"]["max_window"].as<int>() == 7);
  CHECK(settings["ssh"]["users"][0]["name"].as<std::string>() == "ewc");
  site.config_file = "/etc/apdepot/\"a\".yaml";
  site.begin_again();
  CHECK(site.get("config").body.starts_with(R"({"file":"/etc/apdepot/\"a\".yaml",)"));
}

TEST_CASE("an answer has the settings that were in force when it was asked for") {
  Site site;
  const auto answer = site.begin({.method = "GET", .path = "/api/v1/explain", .query = "path=ap1g8"});
  auto changed = std::make_shared<conf::Settings>(*site.configured);
  changed->lookup.forgiving = false;
  site.settings.replace(changed);
  CHECK(has(site.wait_for(answer).body, R"("rule":"only_release")"));
  CHECK(has(site.get("explain", "path=ap1g8").body, R"("served":null)"));
}
