#include <yaml-cpp/yaml.h>

#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

struct Shelf : test::Site {
  test::Ran verify(std::vector<std::string> words = {}) const {
    return run(verify_command, std::move(words));
  }
};

}  // namespace

TEST_CASE("each imported release is verified, and one that is as imported is a line") {
  const Shelf shelf;
  shelf.publish("/EWC/17_9_4a", {{"notes", "image"}, {"more", "x"}});
  shelf.publish("/EWC/17_12_1", {{"notes", "image"}});
  shelf.put("lab/17_9_4a/notes");  // nobody imported it
  const auto ran = shelf.verify();
  CHECK(ran.status == 0);
  CHECK(ran.out ==
        "/EWC/17_12_1: 1 files, 5 bytes, as imported\n/EWC/17_9_4a: 2 files, 6 bytes, as imported\n");
  CHECK(ran.err.empty());
}

TEST_CASE("a difference in one release makes the status 1, whatever follows it") {
  const Shelf shelf;
  shelf.publish("/EWC/17_12_1", {{"notes", "image"}, {"more", "x"}});
  shelf.publish("/EWC/17_9_4a", {{"notes", "image"}});
  shelf.put("EWC/17_12_1/notes", "imagE");
  fs::remove(shelf.depot.images() / "EWC/17_12_1/more");
  const auto ran = shelf.verify();
  CHECK(ran.status == 1);
  CHECK(ran.mistake.empty());
  const auto lines = test::lines_in(ran.out);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with("/EWC/17_12_1: \"more\" is missing; import the bundle again with --replace"));
  CHECK(lines[1].starts_with("/EWC/17_12_1: \"notes\" is not what was imported: "));
  CHECK(lines[2] == "/EWC/17_9_4a: 1 files, 5 bytes, as imported");
}

TEST_CASE("one release is named by any spelling, and nothing else is looked at") {
  const Shelf shelf;
  shelf.publish("/EWC/17_9_4a", {{"notes", "image"}});
  shelf.publish("/EWC/17_12_1", {{"notes", "image"}});
  shelf.put("EWC/17_12_1/notes", "imagE");
  CHECK(shelf.verify({"17.09.04a"}).status == 0);
  CHECK(shelf.verify({"/EWC/17_12_1"}).status == 1);
  const auto missing = shelf.verify({"17.15.1"});
  CHECK(missing.status == 1);
  CHECK(missing.out.empty());
  CHECK(has(missing.mistake, "17.15.1 is not a release here; there are: "));
}

TEST_CASE("what was put there by hand has nothing to compare with, which does not make the status 1") {
  const Shelf shelf;
  shelf.put("EWC/17_9_4a/notes");
  const auto ran = shelf.verify({"17.9.4a"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "/EWC/17_9_4a: 1 files, 5 bytes, nothing recorded to compare with\n");
  CHECK(has(ran.err, "/EWC/17_9_4a: nobody imported it"));
}

TEST_CASE("without an imported release there is nothing to verify, and as JSON an empty list") {
  const Shelf shelf;
  auto ran = shelf.verify();
  CHECK(ran.status == 0);
  CHECK(ran.out.empty());
  CHECK(ran.err == "nothing is imported yet: there is nothing to verify\n");
  CHECK(shelf.verify({"--json"}).out == "[]\n");
  ran = shelf.verify({"a", "b"});
  CHECK(ran.status == 2);
  CHECK(ran.mistake == "verify takes one RELEASE, or none for all");
}

TEST_CASE("a release whose folder is gone is a difference") {
  const Shelf shelf;
  shelf.publish("/EWC/17_9_4a", {{"notes", "image"}});
  fs::remove_all(shelf.depot.images() / "EWC/17_9_4a");
  const auto ran = shelf.verify();
  CHECK(ran.status == 1);
  CHECK(ran.out.starts_with("/EWC/17_9_4a: it was imported, and its folder "));
}

TEST_CASE("as JSON a release with a difference is not verified any more") {
  const Shelf shelf;
  shelf.publish("/EWC/17_12_1", {{"notes", "image"}});
  shelf.publish("/EWC/17_9_4a", {{"notes", "image"}});
  shelf.put("EWC/17_9_4a/notes", "longer by now");
  const auto ran = shelf.verify({"--json"});
  CHECK(ran.status == 1);
  CHECK(ran.err.empty());
  const auto list = YAML::Load(ran.out);
  REQUIRE(list.size() == 2);
  CHECK(list[0]["verified"].as<bool>());
  CHECK(list[0]["differences"].size() == 0);
  CHECK_FALSE(list[1]["verified"].as<bool>());
  CHECK(list[1]["recorded"].as<bool>());
  CHECK(has(list[1]["differences"][0].as<std::string>(), "has 13 bytes, and had 5 when it was imported"));
}

TEST_CASE("hostile names of files are told escaped") {
  const Shelf shelf;
  shelf.put("EWC/17_9_4a/a\x1b[2J");
  for (const auto& words : {test::Words{"17.9.4a"}, test::Words{"17.9.4a", "--json"}}) {
    const auto ran = shelf.verify(words);
    CHECK_FALSE(has(ran.out + ran.err, "\x1b"));
  }
}
