#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

struct Shelf : test::Site {
  test::Ran releases(std::vector<std::string> words = {}) const {
    return run(releases_command, std::move(words));
  }
  YAML::Node json(std::vector<std::string> words = {}) const {
    words.emplace_back("--json");
    return YAML::Load(releases(std::move(words)).out);
  }
};

}  // namespace

TEST_CASE("a release is a line with its files, its bytes and its origin, then its spellings and its images") {
  const Shelf shelf;
  shelf.publish("/EWC/17_9_4a", {{"ap1g8", "image"}, {"readme.txt", "x"}});
  CHECK(shelf.releases().out ==
        "/EWC/17_9_4a  EWC  2 files, 6 bytes, imported 2026-11-20T11:10:23Z, verified\n"
        "  is 17.9.4a, 17.09.04a, 17_9_4a\n"
        "             5  ap1g8\n"
        "             1  readme.txt\n");
  shelf.publish("/EWC/17_9_4a", {{"ap1g8", "image"}}, false);
  shelf.put("EWC/current", "17_9_4a\n");
  CHECK(has(shelf.releases().out, ", imported 2026-11-20T11:10:23Z, not verified, current\n"));
}

TEST_CASE("what was put there by hand says so, and one without a version has no spellings") {
  const Shelf shelf;
  shelf.put("lab/stable/ap1g8");
  const auto ran = shelf.releases();
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out ==
        "/lab/stable  lab  1 files, 5 bytes, put there by hand\n"
        "             5  ap1g8\n");
}

TEST_CASE("a depot without releases says what makes one, and as JSON it is empty") {
  const Shelf shelf;
  const auto text = shelf.releases();
  CHECK(text.status == 0);
  CHECK(text.out.empty());
  CHECK(text.err == "there are no releases yet: `apdepot import BUNDLE.zip` publishes one\n");
  const auto json = shelf.releases({"--json"});
  CHECK(json.out == "[]\n");
  CHECK(json.err.empty());
}

TEST_CASE("as JSON a release has its images with their digests and families") {
  const Shelf shelf;
  shelf.publish("/EWC/17_9_4a", {{"ap1g8", "image"}, {"notes", "x"}});
  shelf.put("EWC/17_9_4a/notes", "longer by now");
  shelf.put("EWC/17_12_1/ap1g8");
  const auto list = shelf.json();
  REQUIRE(list.size() == 2);
  const auto imported = list[0], by_hand = list[1];
  CHECK(imported["path"].as<std::string>() == "/EWC/17_9_4a");
  CHECK(imported["version"].as<std::string>() == "17.9.4a");
  CHECK(imported["images"][0]["family"].as<std::string>() == "ap1g8");
  CHECK(imported["images"][0]["sha256"].as<std::string>() ==
        test::digest_of(storage::DigestKind::sha256, "image"));
  CHECK(imported["images"][1]["family"].IsNull());
  CHECK(imported["images"][1]["sha256"].IsNull());
  CHECK(imported["verified"].as<bool>());
  CHECK(by_hand["imported_at"].IsNull());
  CHECK(by_hand["verified"].IsNull());
  CHECK_FALSE(by_hand["current"].as<bool>());
}

TEST_CASE("what is wrong with a manifest or a name is told on stderr, and the rest is listed") {
  const Shelf shelf;
  shelf.put("EWC/17_9_4a/ap1g8");
  shelf.put("EWC/17_9_4a/C:ap1g7");
  shelf.dir.write("depot/state/manifests/EWC/17_9_4a.yaml", "[");
  const auto ran = shelf.releases();
  CHECK(ran.status == 0);
  CHECK(ran.out.starts_with("/EWC/17_9_4a  EWC  "));
  CHECK(has(ran.err, "17_9_4a.yaml"));
  CHECK(has(ran.err, "images/EWC/17_9_4a/C:ap1g7 is not served: no client can ask for a name with a colon"));
}

TEST_CASE("the models of all families are listed, also of a family that the table does not have") {
  const Shelf shelf;
  shelf.put("EWC/17_9_4a/ap1g8");
  shelf.put("EWC/17_12_1/ap1g8");
  shelf.put("EWC/17_12_1/ap9g9");
  const auto ran = shelf.releases({"--models"});
  CHECK(ran.status == 0);
  const auto lines = test::lines_in(ran.out);
  const auto line_of = [&](std::string_view family) {
    const auto found =
        std::ranges::find_if(lines, [&](const auto& line) { return line.starts_with(family); });
    return found == lines.end() ? std::string() : *found;
  };
  CHECK(line_of("ap1g8 ").ends_with(" /EWC/17_9_4a, /EWC/17_12_1"));
  CHECK(line_of("ap1g7 ").starts_with("ap1g7    C9115, C9120  "));
  CHECK(line_of("ap1g7 ").ends_with(" not here"));
  CHECK(line_of("ap1g6a ").starts_with("ap1g6a   C9130, C9124 (unconfirmed)  "));
  CHECK(line_of("ap9g9 ").starts_with("ap9g9    models unknown  "));
  CHECK(line_of("ap9g9 ").ends_with(" /EWC/17_12_1"));
  CHECK(std::ranges::count_if(lines, [](const auto& line) { return line.starts_with("ap1g8 "); }) == 1);
}

TEST_CASE("of one model the status says whether a release here has its image") {
  const Shelf shelf;
  shelf.put("EWC/17_9_4a/ap1g7");
  struct Row {
    const char *model, *families;
    int status;
  };
  for (const auto& [model, families, status] : {Row{"C9120AXI-E", "ap1g7", 0}, Row{"9115", "ap1g7", 0},
                                                Row{"C9105AXW", "ap1g8", 1}, Row{"2702", "ap3g2 c3700", 1}}) {
    CAPTURE(model);
    const auto ran = shelf.releases({"--models", model});
    CHECK(ran.status == status);
    CHECK(ran.err.empty());
    std::string found;
    for (const auto& line : test::lines_in(ran.out))
      found.append(found.empty() ? "" : " ").append(line.substr(0, line.find(' ')));
    CHECK(found == families);
  }
  const auto unknown = shelf.releases({"--models", "\x1b-9999"});
  CHECK(unknown.status == 1);
  CHECK(unknown.out.empty());
  CHECK(unknown.err == "no family is known for \\x1b-9999: the readme.txt of its bundle may name it\n");
}

TEST_CASE("the models as JSON have their families, confirmed or not, and the releases") {
  const Shelf shelf;
  shelf.put("EWC/17_9_4a/ap1g6a");
  const auto list = shelf.json({"--models", "C9124"});
  REQUIRE(list.size() == 1);
  CHECK(list[0]["family"].as<std::string>() == "ap1g6a");
  CHECK(list[0]["models"][0].as<std::string>() == "C9130");
  CHECK(list[0]["unconfirmed"][0].as<std::string>() == "C9124");
  CHECK(list[0]["releases"][0].as<std::string>() == "/EWC/17_9_4a");
  CHECK(shelf.releases({"--models", "none", "--json"}).out == "[]\n");
}

TEST_CASE("a model is a word of --models only") {
  const Shelf shelf;
  CHECK(shelf.releases({"9120"}).mistake == "unexpected argument 9120");
  CHECK(shelf.releases({"--models", "9120", "9115"}).mistake == "unexpected argument 9115");
  const auto nowhere = test::run(
      releases_command, {"--config", shelf.config().string(), "--depot", (shelf.dir / "none").string()});
  CHECK(nowhere.mistake.starts_with("there is no depot in "));
  CHECK_FALSE(fs::exists(shelf.dir / "none"));
}

TEST_CASE("hostile names of releases and files are printed escaped") {
  const Shelf shelf;
  shelf.put("lab\x1b[2J/17_9_4a/ap1g8\n/EWC/17_9_4a");
  const auto text = shelf.releases();
  CHECK_FALSE(has(text.out, "\x1b"));
  CHECK(has(text.out, "/lab\\x1b[2J/17_9_4a"));
  CHECK_FALSE(has(shelf.releases({"--json"}).out, "\x1b"));
}
