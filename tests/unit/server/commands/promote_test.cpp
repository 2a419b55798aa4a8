#include <yaml-cpp/yaml.h>

#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

struct Shelf : test::Site {
  Shelf() {
    put("EWC/17_9_4a/ap1g8");
    put("EWC/17_12_1/ap1g8");
  }
  test::Ran promote(std::vector<std::string> words) const { return run(promote_command, std::move(words)); }
  std::string current() const { return test::text_in(depot.images() / "EWC/current"); }
};

}  // namespace

TEST_CASE("promote prints the path that never changes, and says on stderr what it means now") {
  const Shelf shelf;
  auto ran = shelf.promote({"17.09.04a"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "/EWC/current\n");
  CHECK(ran.err == "/EWC/current is /EWC/17_9_4a now: tftp-image-path /EWC/current\n");
  CHECK(shelf.current() == "17_9_4a\n");

  ran = shelf.promote({"/EWC/17_12_1", "--json"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "{\"path\":\"/EWC/current\",\"release\":\"/EWC/17_12_1\"}\n");
  CHECK(ran.err.empty());
  CHECK(shelf.current() == "17_12_1\n");
}

TEST_CASE("a release that is not here, or not the only one of its spelling, is not promoted") {
  const Shelf shelf;
  shelf.promote({"17.9.4a"});
  auto ran = shelf.promote({"17.15.1"});
  CHECK(ran.status == 1);
  CHECK(ran.mistake == "17.15.1 is not a release here; there are: /EWC/17_12_1, /EWC/17_9_4a");
  shelf.put("lab/17_12_1/ap1g8");
  ran = shelf.promote({"17.12.1"});
  CHECK(ran.status == 1);
  CHECK(ran.mistake == "17.12.1 fits more than one release: /EWC/17_12_1, /lab/17_12_1");
  CHECK(ran.out.empty());
  CHECK(shelf.current() == "17_9_4a\n");
  CHECK(test::Site().run(promote_command, {"x"}).mistake ==
        "x is not a release here: nothing is imported yet");
}

TEST_CASE("what somebody else called current is an error, and stays") {
  const Shelf shelf;
  shelf.put("EWC/current", "an image of more than\none line");
  const auto ran = shelf.promote({"17.9.4a"});
  CHECK(ran.status == 1);
  CHECK(ran.out.empty());
  CHECK(has(ran.mistake, "/EWC/current names no release and is left alone"));
  CHECK(shelf.current() == "an image of more than\none line");
}

TEST_CASE("a hostile name of a release is printed escaped, and as JSON whole") {
  const test::Site site;
  site.put("EWC\x1b[2J/17_9_4a/ap1g8");
  CHECK(site.run(promote_command, {"17.9.4a"}).out == "/EWC\\x1b[2J/current\n");
  const auto json = site.run(promote_command, {"17.9.4a", "--json"}).out;
  CHECK_FALSE(has(json, "\x1b"));
  CHECK(YAML::Load(json)["release"].as<std::string>() == "/EWC\x1b[2J/17_9_4a");
}

TEST_CASE("promote takes one release") {
  const Shelf shelf;
  CHECK(shelf.promote({}).mistake == "RELEASE is missing");
  CHECK(shelf.promote({"17.9.4a", "17.12.1"}).mistake == "unexpected argument 17.12.1");
  CHECK_FALSE(fs::exists(shelf.depot.images() / "EWC/current"));
}
