#include "server/api/releases.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "tests/support/tar_writer.hpp"
#include "tests/unit/server/api/api_site.hpp"

using namespace server;
namespace fs = std::filesystem;
namespace record = storage::record;
using test::ApiSite;
using test::column;
using test::has;

namespace {

constexpr auto release = "/EWC/17_9_4a";

struct Site : ApiSite {
  std::promise<void> release_importing;

  Site() {
    import_release(release,
                   {{"ap1g7", test::ap_image("seven", "ap1g7")}, {"ap1g8", test::ap_image("eight")}});
  }
  // Nothing that takes long begins until release_importing is set.
  void hold_importing() {
    lanes.importing.post([held = release_importing.get_future().share()] { held.wait(); });
  }
  Reply act(const std::string& path, const std::string& what) {
    return send("POST", "releases" + path + "/" + what);
  }
  YAML::Node row(const std::string& path) {
    const auto list = test::json(get("releases"));
    for (const auto& each : list["items"])
      if (each["path"].as<std::string>() == path) return each;
    return {};
  }
  std::string current() { return row(release)["current"].as<std::string>(); }
};

record::Transfer whole(const std::string& client, const std::string& file) {
  record::Transfer made;
  made.started = 1, made.ended = 1000;
  made.client = client, made.protocol = "tftp", made.file = file;
  made.outcome = "whole", made.cause = "complete";
  return made;
}

}  // namespace

TEST_CASE("a release is told with who has it, and which of its files are not as they came") {
  Site site;
  site.write_image(release, "ap1g7", "another size");
  site.write_image(release, "mine.txt", "by hand");
  site.write_image("/Old/by-hand", "ap1g8", "image");
  site.write_history({whole("192.0.2.7", "/EWC/17_9_4a/ap1g7"), whole("192.0.2.7", "/EWC/17_9_4a/ap1g8"),
                      whole("192.0.2.8", "/EWC/17_9_4a/ap1g8"), whole("192.0.2.9", "/EWC/17_9_4ab/ap1g8")});
  const auto row = site.row(release);
  CHECK(row["holders"].as<int>() == 2);
  CHECK(row["differing"].as<std::vector<std::string>>() == std::vector<std::string>{"ap1g7", "mine.txt"});
  CHECK(row["verification"].IsNull());
  const auto by_hand = site.row("/Old/by-hand");
  CHECK(by_hand["holders"].as<int>() == 0);
  CHECK(by_hand["differing"].size() == 0);
  CHECK(by_hand["imported_at"].IsNull());
}

TEST_CASE("a release is promoted by its path, however its slashes are written") {
  for (const std::string path : {"/EWC/17_9_4a", "/%2FEWC%2F17_9_4a", "/EWC%2F17_9_4a"}) {
    CAPTURE(path);
    Site site;
    CHECK(site.current() == "false");
    const auto reply = site.act(path, "promote");
    CHECK(reply.body == "{\"path\":\"/EWC/current\",\"release\":\"/EWC/17_9_4a\"}\n");
    CHECK(site.current() == "true");
    REQUIRE(site.acts.size() == 1);
    CHECK(site.acts[0].who == "maria");
    CHECK(site.acts[0].act == "promote");
    CHECK(site.acts[0].subject == release);
    CHECK(site.acts[0].outcome == "done");
  }
}

TEST_CASE("another spelling of a release, and what is not a release, is changed by nobody") {
  Site site;
  for (const std::string path :
       {"/17.9.4a", "/EWC/17_9_4", "/EWC", "/EWC/17_9_4a/ap1g8", "/EWC/..%2FEWC%2F17_9_4a"})
    for (const auto* what : {"promote", "retire", "verify"}) {
      CAPTURE(path);
      CAPTURE(what);
      const auto reply = site.act(path, what);
      CHECK(reply.status == 404);
      CHECK(has(reply.body, "is not a release here"));
      CHECK(site.acts.back().act == what);
      CHECK(has(site.acts.back().outcome, "is not a release here"));
    }
  CHECK(site.current() == "false");
}

TEST_CASE("a release is not promoted where something else is called `current`") {
  Site site;
  site.write_image("/EWC/current", "ap1g8", "image");
  const auto reply = site.act(release, "promote");
  CHECK(reply.status == 409);
  CHECK(has(reply.body, "/EWC/current names no release and is left alone"));
  CHECK(site.current() == "false");
}

TEST_CASE("a release is retired with its files, but not while it is current") {
  Site site;
  site.import_release("/EWC/17_12_1", {{"ap1g8", "image"}});
  site.act(release, "promote");
  const auto kept = site.act(release, "retire");
  CHECK(kept.status == 409);
  CHECK(has(kept.body, "\"fix\":\"promote another release first\""));
  CHECK(has(site.acts.back().outcome, "/EWC/current points at /EWC/17_9_4a"));
  CHECK(fs::exists(site.dir / "images/EWC/17_9_4a/ap1g8"));

  site.act("/EWC/17_12_1", "promote");
  const auto gone = site.act(release, "retire");
  CHECK(gone.body == "{\"path\":\"/EWC/17_9_4a\",\"moved_to\":\"retired/EWC/17_9_4a\"}\n");
  CHECK(site.acts.back().outcome == "done");
  CHECK(fs::exists(site.dir / "retired/EWC/17_9_4a/ap1g8"));
  CHECK(column(site.get("releases"), "path") == std::vector<std::string>{"/EWC/17_12_1"});
  CHECK(site.act(release, "retire").status == 404);
}

TEST_CASE("a release that is looked at again is told as that, and then with what was found") {
  Site site;
  site.hold_importing();
  const auto begun = site.act(release, "verify");
  CHECK(begun.status == 202);
  CHECK(begun.body == "{\"running\":true}\n");
  CHECK(site.row(release)["verification"]["running"].as<bool>());
  CHECK(site.row(release)["verification"]["found"].IsNull());
  CHECK(site.acts.empty());

  const auto again = site.act(release, "verify");
  CHECK(again.status == 409);
  CHECK(has(again.body, "/EWC/17_9_4a is being looked at"));

  site.release_importing.set_value();
  site.run_until([&] { return !site.acts.empty(); });
  const auto found = site.row(release)["verification"];
  CHECK_FALSE(found["running"].as<bool>());
  CHECK(found["found"]["files"].as<int>() == 2);
  CHECK(found["found"]["verified"].as<bool>());
  CHECK(found["found"]["differences"].size() == 0);
  CHECK(found["failure"].as<std::string>() == "");
  REQUIRE(site.acts.size() == 1);
  CHECK(site.acts[0].act == "verify");
  CHECK(site.acts[0].subject == release);
  CHECK(site.acts[0].outcome == "done");
  CHECK(site.act(release, "verify").status == 202);
  site.run_until([&] { return site.acts.size() == 2; });
}

TEST_CASE("of two who have a release looked at again at once the second hears that it is running") {
  Site site;
  site.hold_importing();
  const ApiSite::Request verify{.method = "POST",
                                .path = std::string("/api/v1/releases") + release + "/verify"};
  const auto one = site.begin(verify), other = site.begin(verify);
  std::vector<unsigned> statuses{site.wait_for(one).status, site.wait_for(other).status};
  std::ranges::sort(statuses);
  CHECK(statuses == std::vector<unsigned>{202, 409});
  CHECK(has((**one).body + (**other).body, "/EWC/17_9_4a is being looked at"));
  site.release_importing.set_value();
  site.run_until([&] { return site.lanes.importing.busy() == 0; });
  CHECK(site.acts.size() == 1);
}

TEST_CASE("a difference is told as what came of the look, and the release is not verified") {
  Site site;
  site.write_image(release, "ap1g8", test::ap_image("EIGHT"));
  site.act(release, "verify");
  site.run_until([&] { return !site.acts.empty(); });
  CHECK(has(site.acts[0].outcome, "\"ap1g8\" is not what was imported"));
  const auto found = site.row(release)["verification"]["found"];
  CHECK_FALSE(found["verified"].as<bool>());
  REQUIRE(found["differences"].size() == 1);
  CHECK(has(found["differences"][0].as<std::string>(), "its SHA-256 is another one"));
}

TEST_CASE(
    "a release that goes away before it is looked at is told as a failure, and can be looked at again") {
  Site site;
  site.write_image("/Old/1_2_3", "ap1g8", "image");
  site.hold_importing();
  REQUIRE(site.act("/Old/1_2_3", "verify").status == 202);
  fs::remove_all(site.dir / "images/Old");
  site.release_importing.set_value();
  site.run_until([&] { return !site.acts.empty(); });
  CHECK(has(site.acts[0].outcome, "/Old/1_2_3 is not a release"));
  site.write_image("/Old/1_2_3", "ap1g8", "image");
  const auto looked = site.row("/Old/1_2_3")["verification"];
  CHECK_FALSE(looked["running"].as<bool>());
  CHECK(looked["found"].IsNull());
  CHECK(has(looked["failure"].as<std::string>(), "/Old/1_2_3 is not a release"));
  CHECK(site.act("/Old/1_2_3", "verify").status == 202);
  site.run_until([&] { return site.acts.size() == 2; });
}
