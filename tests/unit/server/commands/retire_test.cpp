#include <yaml-cpp/yaml.h>

#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

struct Shelf : test::Site {
  Shelf() {
    publish("/EWC/17_9_4a", {{"ap1g8", "image"}});
    put("EWC/17_12_1/ap1g8");
  }
  test::Ran retire(std::vector<std::string> words) const { return run(retire_command, std::move(words)); }
  bool serves(const std::string& name) const { return fs::exists(depot.images() / name); }
};

}  // namespace

TEST_CASE("retire prints where the release is now, and says on stderr that transfers go on") {
  const Shelf shelf;
  const auto ran = shelf.retire({"17.9.4a"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "retired/EWC/17_9_4a\n");
  CHECK(ran.err == "/EWC/17_9_4a is out of service; transfers of it that run go on\n");
  CHECK_FALSE(shelf.serves("EWC/17_9_4a"));
  CHECK(shelf.serves("EWC/17_12_1/ap1g8"));
  CHECK(test::text_in(shelf.dir / "depot/retired/EWC/17_9_4a/ap1g8") == "image");
  CHECK(fs::exists(shelf.dir / "depot/retired/EWC/17_9_4a.yaml"));
}

TEST_CASE("as JSON retire tells both places") {
  const Shelf shelf;
  const auto ran = shelf.retire({"/EWC/17_12_1", "--json"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "{\"path\":\"/EWC/17_12_1\",\"moved_to\":\"retired/EWC/17_12_1\"}\n");
  CHECK(ran.err.empty());
}

TEST_CASE("what current points at goes by force only, and takes current with it") {
  const Shelf shelf;
  shelf.put("EWC/current", "17_9_4a\n");
  const auto refused = shelf.retire({"17.9.4a"});
  CHECK(refused.status == 1);
  CHECK(refused.out.empty());
  CHECK(refused.mistake ==
        "/EWC/current points at /EWC/17_9_4a: promote another release first, or retire it with --force");
  CHECK(shelf.serves("EWC/17_9_4a/ap1g8"));
  CHECK(shelf.retire({"17.9.4a", "--force"}).status == 0);
  CHECK_FALSE(shelf.serves("EWC/17_9_4a"));
  CHECK_FALSE(shelf.serves("EWC/current"));
}

TEST_CASE("by force another release goes without what current points at") {
  const Shelf shelf;
  shelf.put("EWC/current", "17_9_4a\n");
  CHECK(shelf.retire({"17.12.1", "--force"}).status == 0);
  CHECK(shelf.serves("EWC/current"));
  CHECK(shelf.serves("EWC/17_9_4a/ap1g8"));
}

TEST_CASE("a release that is not here any more is named with those that are") {
  const Shelf shelf;
  shelf.retire({"17.9.4a"});
  const auto ran = shelf.retire({"17.9.4a"});
  CHECK(ran.status == 1);
  CHECK(ran.mistake == "17.9.4a is not a release here; there are: /EWC/17_12_1");
  CHECK(shelf.retire({}).mistake == "RELEASE is missing");
  CHECK(shelf.retire({"17.12.1", "x"}).mistake == "unexpected argument x");
  CHECK(shelf.serves("EWC/17_12_1/ap1g8"));
}

TEST_CASE("a hostile name of a release is told escaped") {
  const test::Site site;
  site.put("EWC\x1b[2J/17_9_4a/ap1g8");
  const auto ran = site.run(retire_command, {"17.9.4a"});
  CHECK(ran.out == "retired/EWC\\x1b[2J/17_9_4a\n");
  CHECK_FALSE(has(ran.err, "\x1b"));
  site.put("EWC\x1b[2J/17_9_4a/ap1g8");
  const auto json = site.run(retire_command, {"17.9.4a", "--json"});
  CHECK_FALSE(has(json.out, "\x1b"));
  CHECK(YAML::Load(json.out)["moved_to"].as<std::string>() == "retired/EWC\x1b[2J/17_9_4a.2");
}
