#include "server/commands/history_table.hpp"

#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include "server/text/history_json.hpp"

using namespace server;
namespace record = storage::record;

namespace {

record::Transfer transfer() {
  record::Transfer made;
  made.started = 1'795'847'066'000, made.ended = 1'795'847'068'000;
  made.client = "192.0.2.7", made.protocol = "sftp", made.user = "ewc", made.file = "/EWC/17_9_4a/ap1g8";
  made.size = made.bytes = 70'000'000;
  made.outcome = "whole", made.cause = "complete";
  return made;
}

std::string line(const record::Transfer& transfer, std::optional<std::size_t> columns = {}) {
  const auto lines = lines_of(table_of(std::vector{transfer}), columns);
  REQUIRE(lines.size() == 2);
  return lines[1];
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a transfer is a line of aligned columns") {
  auto other = transfer();
  other.client = "2001:db8::7", other.user = "", other.protocol = "tftp";
  CHECK(lines_of(table_of(std::vector{transfer(), other}), {}) ==
        std::vector<std::string>{
            "ENDED                 CLIENT       BY        FILE                TOOK  RATE       OUTCOME",
            "2026-11-28T06:24:28Z  192.0.2.7    sftp ewc  /EWC/17_9_4a/ap1g8  0:02  35.0 MB/s  whole",
            "2026-11-28T06:24:28Z  2001:db8::7  tftp      /EWC/17_9_4a/ap1g8  0:02  35.0 MB/s  whole"});
  CHECK(lines_of(table_of(std::vector<record::Transfer>{}), 80).empty());
}

TEST_CASE("how a transfer ended is told in words") {
  auto ended = transfer();
  ended.upload = true;
  CHECK(line(ended).ends_with("  whole, an upload"));
  ended.outcome = "broke_off", ended.cause = "client_error", ended.bytes = 35'700'000;
  ended.detail = "No space left";
  CHECK(line(ended).ends_with("  broke off at 51 %: client error (No space left)"));
  ended.size = {}, ended.detail = "", ended.cause = "silence";
  CHECK(line(ended).ends_with("  broke off at 35.7 MB: silence"));
  ended.outcome = "partly", ended.cause = "size_asked";
  CHECK(line(ended).ends_with("  in part: size asked"));
  ended.started = ended.ended;
  CHECK(has(line(ended), "  0:00  -"));
}

TEST_CASE("on a narrow screen the file's name loses its beginning, and the outcome nothing") {
  auto ended = transfer();
  ended.file = "/EWC/17_9_4a/\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9/ap1g8";
  const auto wide = line(ended), narrow = line(ended, wide.size() - 4 - 2), narrowest = line(ended, 10);
  CHECK(has(narrow, "  ~17_9_4a/\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9/ap1g8  "));
  CHECK(has(narrowest, "  ~/\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9/ap1g8  "));
  CHECK(narrowest.ends_with("whole"));
}

TEST_CASE("the other lists have their own columns") {
  record::Miss miss{1'795'847'068'000, "192.0.2.7", "tftp", "WRONG_DIRECTORY",
                    "/Wrong/ap1g8",    "why; fix",  0,      3};
  const auto misses = lines_of(table_of(std::vector{miss}), 20);
  CHECK(misses[1] == "2026-11-28T06:24:28Z  192.0.2.7  tftp  3      /Wrong/ap1g8  WRONG_DIRECTORY: why; fix");
  record::Login login{1'795'847'068'000, "192.0.2.7", "ewc", "password", "wrong_password", 2};
  CHECK(lines_of(table_of(std::vector{login}), {})[1] ==
        "2026-11-28T06:24:28Z  192.0.2.7  ewc   password  2      wrong password");
  record::Import done{1'795'847'068'000, "a.zip", "rejected", "damaged"};
  CHECK(lines_of(table_of(std::vector{done}), {})[1] == "2026-11-28T06:24:28Z  a.zip  rejected  damaged");
  record::Holding holding{"192.0.2.7", "/a", 0, 1'795'847'068'000, 4};
  CHECK(lines_of(table_of(std::vector{holding}), {})[1] ==
        "2026-11-28T06:24:28Z  192.0.2.7  4      1970-01-01T00:00:00Z  /a");
}

TEST_CASE("as JSON a row has all that is kept") {
  auto ended = transfer();
  ended.detail = "a \\x1b \"b\"";
  const auto json = YAML::Load(json_of(ended));
  CHECK(json["ended_at"].as<std::string>() == "2026-11-28T06:24:28Z");
  CHECK(json["detail"].as<std::string>() == "a \\x1b \"b\"");
  CHECK(json["seconds"].as<double>() == 2);
  CHECK(json["direction"].as<std::string>() == "read");
  CHECK(json["resent"].IsNull());
  CHECK(json["user"].as<std::string>() == "ewc");
  CHECK(YAML::Load(json_of(record::Miss{5, "c", "tftp", "X", "a", "t", 4, 3}))["count"].as<int>() == 3);
  CHECK(YAML::Load(json_of(record::Login{5, "c", "u", "m", "accepted", 1}))["outcome"].as<std::string>() ==
        "accepted");
  CHECK(YAML::Load(json_of(record::Import{5, "f", "published", ""}))["detail"].IsNull());
  CHECK(YAML::Load(json_of(record::Holding{"c", "f", 4, 5, 6}))["times"].as<int>() == 6);
}

TEST_CASE("a transfer that broke off is never told as whole, and one without a byte has a place too") {
  auto ended = transfer();
  ended.outcome = "broke_off", ended.cause = "silence", ended.bytes = 69'999'999;
  CHECK(line(ended).ends_with("  broke off at 99 %: silence"));
  ended.bytes = 0;
  CHECK(line(ended).ends_with("  broke off at 0 %: silence"));
  ended.size = 0;
  CHECK(line(ended).ends_with("  broke off at 0 B: silence"));
  ended.outcome = "partly", ended.detail = "64 bytes", ended.cause = "partly_read";
  CHECK(line(ended).ends_with("  in part: partly read (64 bytes)"));
}

TEST_CASE("a table as wide as the screen is not cut, and on one column less a name loses two characters") {
  const auto ended = transfer();
  const auto whole = lines_of(table_of(std::vector{ended}), {});
  const auto width = whole.at(0).size();  // of the heading, which is the longest line here
  CHECK(lines_of(table_of(std::vector{ended}), width) == whole);
  CHECK(line(ended, width + 100) == whole.at(1));
  CHECK(has(line(ended, width - 1), "  ~WC/17_9_4a/ap1g8  "));
  CHECK(line(ended, width - 1).size() == whole.at(1).size() - 1);
}

TEST_CASE("a list whose last column is the name is never cut, and a short name keeps its own width") {
  const record::Holding holding{"192.0.2.7", "/EWC/17_9_4a/" + std::string(100, 'x'), 0, 0, 4};
  const auto held = lines_of(table_of(std::vector{holding}), 20);
  CHECK(held.at(1).ends_with(std::string(100, 'x')));
  record::Login login{0, "192.0.2.7", "ewc", "password", "accepted", 1};
  CHECK(lines_of(table_of(std::vector{login}), 1) == lines_of(table_of(std::vector{login}), {}));
  login.user = std::string(30, 'u');
  CHECK(has(lines_of(table_of(std::vector{login}), 1).at(1), "  ~" + std::string(11, 'u') + "  "));
}
