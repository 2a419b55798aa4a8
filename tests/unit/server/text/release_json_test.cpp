#include "server/text/release_json.hpp"

#include <doctest/doctest.h>

#include <string>

#include "server/text/json_reader.hpp"

using namespace server;

namespace {

const std::string digest(64, 'd');

storage::Release release() {
  storage::Release made;
  made.path = storage::Path::parse("/EWC/17_9_4a").value();
  made.product = "EWC";
  made.version = storage::Version::parse("17_09_04a");
  made.spellings = {"17.9.4a", "17.09.04a"};
  made.images = {{"C9800-AP-iosxe-wlc.bin", 7, {}}, {"ap1g8", 18'446'744'073'709'551'615U, digest}};
  made.imported_at = "2026-11-20T11:10:23Z";
  made.verified = true;
  made.current = true;
  return made;
}

std::string json_of_release(const storage::Release& made) { return json_object_of(made).text(); }

}  // namespace

TEST_CASE("a release has its version, its images with their families, and what the import found") {
  CHECK(json_of_release(release()) ==
        R"({"path":"/EWC/17_9_4a","product":"EWC","version":"17.9.4a","spellings":["17.9.4a","17.09.04a"],)"
        R"("images":[{"name":"C9800-AP-iosxe-wlc.bin","family":null,"size":7,"sha256":null},)"
        R"({"name":"ap1g8","family":"ap1g8","size":18446744073709551615,"sha256":")" +
            digest + R"("}],"imported_at":"2026-11-20T11:10:23Z","current":true,"verified":true})");
}

TEST_CASE("of a release that was put there by hand nobody knows whether it is what the vendor made") {
  storage::Release made;
  made.path = storage::Path::parse("/other/by hand").value();
  made.product = "other";
  CHECK(json_of_release(made) ==
        R"({"path":"/other/by hand","product":"other","version":null,"spellings":[],"images":[],)"
        R"("imported_at":null,"current":false,"verified":null})");
  made.verified = false;
  CHECK(json_of_release(made).ends_with(R"("verified":false})"));
}

TEST_CASE("a name in a release comes out whole and as it is, and forges no member") {
  for (const auto& name : {std::string(R"(a","current":true,"b":"c)"), std::string("\x1b[2J\n"),
                           std::string("\u202ecaf\xc3\xa9"), std::string(255, 'n')}) {
    CAPTURE(name);
    auto made = release();
    made.path = made.path / name;
    made.images = {{name, 1, {}}};
    made.current = false;
    const auto node = read_object(json_of_release(made), "it");
    CHECK(node.size() == 8);
    CHECK(member<std::string>(node, "path") == "/EWC/17_9_4a/" + name);
    CHECK(member<std::string>(node["images"][0], "name") == name);
    CHECK(member<bool>(node, "current") == false);
  }
}

TEST_CASE("a release counts as verified when its manifest says so and nothing differs from it") {
  struct Row {
    bool manifest, differs, verified;
  };
  for (const auto& [manifest, differs, verified] :
       {Row{true, false, true}, Row{true, true, false}, Row{false, false, false}, Row{false, true, false}}) {
    storage::Verification found;
    found.path = "/EWC/17_9_4a";
    found.files = 3, found.bytes = 1'000;
    found.recorded = true;
    found.verified = manifest;
    if (differs) found.differences = {"ap1g8 is missing"};
    found.remarks = {"notes.txt was not imported"};
    CHECK(json_of(found) ==
          std::string(R"({"path":"/EWC/17_9_4a","files":3,"bytes":1000,"recorded":true,"verified":)") +
              (verified ? "true" : "false") + R"(,"differences":[)" +
              (differs ? R"("ap1g8 is missing")" : "") + R"(],"remarks":["notes.txt was not imported"]})");
  }
}

TEST_CASE("sentences about a hostile name are one line, and not without end") {
  storage::Verification found;
  found.differences = {"\x1b[2J\n\u202e is missing", std::string(100'000, 'x')};
  found.remarks = {"\"quoted\""};
  const auto node = read_object(json_of(found), "it");
  CHECK(node["differences"][0].Scalar() == "\\x1b[2J\\n\\u202e is missing");
  CHECK(node["differences"][1].Scalar().size() <= most_of_ours);
  CHECK(node["differences"][1].Scalar().ends_with("bytes more)"));
  CHECK(node["remarks"][0].Scalar() == "\"quoted\"");
}
