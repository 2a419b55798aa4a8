#include <yaml-cpp/yaml.h>

#include "storage/history/record_book.hpp"
#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
namespace record = storage::record;
using test::has;

namespace {

// 2026-11-28T06:24:28Z, in milliseconds since 1970.
constexpr std::int64_t noon = 1'795'847'068'000, minute = 60'000;

record::Transfer transfer(std::int64_t ended, const std::string& client, const std::string& file,
                          const std::string& outcome = "whole") {
  record::Transfer made;
  made.started = ended - 2000, made.ended = ended;
  made.client = client, made.protocol = "tftp", made.file = file;
  made.size = 1000, made.bytes = outcome == "whole" ? 1000 : 500;
  made.outcome = outcome, made.cause = outcome == "whole" ? "complete" : "silence";
  return made;
}

record::Miss miss(std::int64_t at, const std::string& client, const std::string& asked) {
  return {at, client, "tftp", "WRONG_DIRECTORY", asked, "why; fix", at, 1};
}

// A depot with a history: at each minute one transfer.
struct Kept : test::Site {
  Kept() {
    put("EWC/17_9_4a/ap1g8");
    storage::RecordBook(depot.history())
        .write(std::vector<storage::Record>{
            transfer(noon, "192.0.2.1", "/EWC/17_9_4a/ap1g8"),
            transfer(noon + minute, "192.0.2.2", "/EWC/17_9_4a/ap1g7", "broke_off"),
            transfer(noon + 2 * minute, "192.0.2.1", "/EWC/17_9_4ab/ap1g8"),
            transfer(noon + 3 * minute, "192.0.2.1", "/EWC/17_9_4a/uploads/\\x1bx"),
            miss(noon, "192.0.2.1", "/Wrong/ap1g8"), miss(noon, "192.0.2.2", "/EWC/17_9_4a/ap1g2"),
            record::Login{noon, "192.0.2.1", "ewc", "password", "accepted"},
            record::Login{noon + minute, "192.0.2.2", "ewc", "password", "wrong_password"},
            record::Import{noon, "a.zip", "published", "/EWC/17_9_4a"},
            record::Import{noon + minute, "b.zip", "rejected", "damaged"}});
  }
  test::Ran history(std::vector<std::string> words = {}) const { return run(history_command, words); }
  YAML::Node json(std::vector<std::string> words) const {
    words.emplace_back("--json");
    const auto ran = history(std::move(words));
    CHECK(ran.mistake.empty());
    return YAML::Load(ran.out);
  }
  // The minutes of the transfers that are listed.
  std::vector<std::int64_t> minutes(const std::vector<std::string>& words) const {
    static const std::map<std::string, std::int64_t> times{{"2026-11-28T06:24:28Z", 0},
                                                           {"2026-11-28T06:25:28Z", 1},
                                                           {"2026-11-28T06:26:28Z", 2},
                                                           {"2026-11-28T06:27:28Z", 3}};
    std::vector<std::int64_t> found;
    for (const auto& row : json(words)) found.push_back(times.at(row["ended_at"].as<std::string>()));
    return found;
  }
};

using Minutes = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("transfers are printed with the newest last, and the status is 0") {
  const auto ran = Kept().history({"--client", "192.0.2.2"});
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out ==
        "ENDED                 CLIENT     BY    FILE                TOOK  RATE     OUTCOME\n"
        "2026-11-28T06:25:28Z  192.0.2.2  tftp  /EWC/17_9_4a/ap1g7  0:02  250 B/s  broke off at 50 %: "
        "silence\n");
  CHECK(Kept().minutes({}) == Minutes{0, 1, 2, 3});
}

TEST_CASE("each flag narrows what is listed, and several do so together") {
  const Kept kept;
  struct Row {
    std::vector<std::string> words;
    Minutes found;
  };
  for (const auto& [words, found] :
       {Row{{"--client", "192.0.2.1"}, {0, 2, 3}},
        Row{{"--client", "192.0.2.9"}, {}},
        Row{{"--broken"}, {1}},
        Row{{"--file", "ap1g8"}, {0, 2}},
        Row{{"--file", "/EWC/17_9_4a/ap1g8"}, {0}},
        Row{{"--file", "/EWC/17_9_4a/uploads/\x1bx"}, {3}},  // as the history has it: escaped
        Row{{"--file", "ap1"}, {}},
        Row{{"--release", "/EWC/17_9_4a"}, {0, 1, 3}},
        Row{{"--release", "/EWC/17_9_4a/"}, {0, 1, 3}},
        Row{{"--release", "/EWC/17_9_4a///"}, {0, 1, 3}},
        Row{{"--release", "17.09.04a"}, {0, 1, 3}},
        Row{{"--release", "/EWC/17_9_4ab"}, {2}},  // which is gone by now
        Row{{"--release", "/"}, {0, 1, 2, 3}},
        Row{{"--limit", "1"}, {3}},
        Row{{"--limit", "3"}, {1, 2, 3}},
        Row{{"--limit", "10000000"}, {0, 1, 2, 3}},
        Row{{"--since", "2026-11-28T06:25:28"}, {1, 2, 3}},
        Row{{"--since", "2026-11-28T06:25:29Z"}, {2, 3}},
        Row{{"--since", "2026-11-28T06:26"}, {2, 3}},
        Row{{"--since", "2026-11-28"}, {0, 1, 2, 3}},
        Row{{"--since", "2999-01-01"}, {}},
        Row{{"--since", "10000w"}, {0, 1, 2, 3}},
        Row{{"--client", "192.0.2.1", "--release", "17.9.4a", "--file", "ap1g8"}, {0}},
        Row{{"--client", "192.0.2.1", "--broken"}, {}},
        Row{{"--client", "192.0.2.2", "--client", "192.0.2.1", "--limit", "2"}, {2, 3}}}) {
    CAPTURE(words);
    CHECK(kept.minutes(words) == found);
  }
}

TEST_CASE("the other lists are printed with their own columns") {
  const Kept kept;
  CHECK(kept.history({"--misses", "--client", "192.0.2.1"}).out ==
        "LAST                  CLIENT     BY    TIMES  ASKED         WHY\n"
        "2026-11-28T06:24:28Z  192.0.2.1  tftp  1      /Wrong/ap1g8  WRONG_DIRECTORY: why; fix\n");
  CHECK(kept.history({"--logins", "--limit", "1"}).out ==
        "AT                    CLIENT     USER  METHOD    TIMES  OUTCOME\n"
        "2026-11-28T06:25:28Z  192.0.2.2  ewc   password  1      wrong password\n");
  CHECK(kept.history({"--imports", "--file", "a.zip"}).out ==
        "AT                    FILE   OUTCOME    WHERE OR WHY\n"
        "2026-11-28T06:24:28Z  a.zip  published  /EWC/17_9_4a\n");
  CHECK(kept.history({"--holders", "--release", "/EWC/17_9_4a", "--file", "ap1g8"}).out ==
        "LAST                  CLIENT     TIMES  FIRST                 FILE\n"
        "2026-11-28T06:24:28Z  192.0.2.1  1      2026-11-28T06:24:28Z  /EWC/17_9_4a/ap1g8\n");
}

TEST_CASE("the other lists are JSON of their own kind") {
  const Kept kept;
  CHECK(kept.json({"--misses", "--file", "ap1g2"})[0]["asked"].as<std::string>() == "/EWC/17_9_4a/ap1g2");
  CHECK(kept.json({"--logins"})[1]["outcome"].as<std::string>() == "wrong_password");
  CHECK(kept.json({"--imports"})[1]["detail"].as<std::string>() == "damaged");
  CHECK(kept.json({"--holders"}).size() == 3);  // who broke off holds nothing
}

TEST_CASE("a list without rows says so on stderr, and as JSON it is empty") {
  const Kept kept;
  const auto text = kept.history({"--client", "192.0.2.9"});
  CHECK(text.status == 0);
  CHECK(text.out.empty());
  CHECK(text.err == "the history has nothing of this\n");
  const auto json = kept.history({"--client", "192.0.2.9", "--json"});
  CHECK(json.out == "[]\n");
  CHECK(json.err.empty());
}

TEST_CASE("on a terminal the lines are as wide as it is, and through a pipe as wide as they need") {
  const Kept kept;
  const auto words = kept.words({"--file", "/EWC/17_9_4a/ap1g7"});
  const auto ran = test::run_on_terminal(history_command, words, 40);
  if (!ran) return;
  CHECK(has(ran->out, "  ~_9_4a/ap1g7  0:02  "));
  CHECK(ran->out.ends_with("broke off at 50 %: silence\n"));
  CHECK(has(test::run(history_command, words).out, "  /EWC/17_9_4a/ap1g7  "));
}

TEST_CASE("what a list does not have is refused rather than left out") {
  const Kept kept;
  struct Row {
    std::vector<std::string> words;
    const char* mistake;
  };
  constexpr auto one = "only one of --holders, --misses, --logins, --imports can be shown";
  for (const auto& [words, mistake] :
       {Row{{"--holders", "--misses"}, one}, Row{{"--logins", "--imports", "--misses"}, one},
        Row{{"--broken", "--holders"}, "--holders has no --broken"},
        Row{{"--misses", "--broken"}, "--misses has no --broken"},
        Row{{"--logins", "--broken"}, "--logins has no --broken"},
        Row{{"--imports", "--broken"}, "--imports has no --broken"},
        Row{{"--imports", "--client", "192.0.2.1"}, "--imports has no --client"},
        Row{{"--logins", "--release", "/x"}, "--logins has no --release"},
        Row{{"--logins", "--file", "x"}, "--logins has no --file"},
        Row{{"surplus"}, "unexpected argument surplus"}}) {
    const auto ran = kept.history(words);
    CHECK(ran.status == 2);
    CHECK(ran.mistake == mistake);
    CHECK(ran.out.empty());
  }
}

TEST_CASE("a number of rows is a whole number from 1 to ten million") {
  const Kept kept;
  for (const std::string limit :
       {"", "0", "-1", "+1", "1x", " 1", "1 ", "0x1", "1.5", "10000001", "99999999999999999999"}) {
    const auto ran = kept.history({"--limit=" + limit});
    CHECK(ran.status == 2);
    CHECK(ran.mistake == "--limit " + limit + ": it is a number from 1 to 10000000");
  }
}

TEST_CASE("a text that is not a time is wrong usage, and is answered with the forms of times") {
  const Kept kept;
  for (const std::string since : {"", "yesterday", "-1h", "1", "h", "1s", "10001d", "1 h", "2026-13-01",
                                  "2026-11-28T25:00", "2026-11-28T06:24+01:00", "2026-11-28 06:24"}) {
    const auto ran = kept.history({"--since=" + since});
    CAPTURE(since);
    CHECK(ran.status == 2);
    CHECK(
        ran.mistake.starts_with("--since " + since + ": it is a span such as 30m, 2h, 7d or 2w, or a time"));
  }
}

TEST_CASE("a release that is not here is an error by its spelling, and by its path an empty list") {
  const Kept kept;
  const auto spelled = kept.history({"--release", "17.12.1"});
  CHECK(spelled.status == 1);
  CHECK(spelled.mistake == "17.12.1 is not a release here; there are: /EWC/17_9_4a");
  CHECK(kept.history({"--release", "/EWC/17_12_1"}).err == "the history has nothing of this\n");
}

TEST_CASE("a history that cannot be read says why, and what to do") {
  const test::Site site;
  const auto file = site.depot.history();
  const auto mistake = [&] {
    const auto ran = site.run(history_command);
    CHECK(ran.status == 1);
    CHECK(ran.out.empty());
    return ran.mistake;
  };
  CHECK(mistake() == "there is no history: " + file.string() +
                         " is missing; `apdepot serve` writes it, unless history.days is 0");
  CHECK_FALSE(fs::exists(file));

  site.dir.write("depot/state/history.db", "");
  CHECK(mistake() == file.string() + ": the server has only just begun it: ask again");

  site.dir.write("depot/state/history.db", std::string(8192, 'x'));
  const auto damaged = mistake();
  CHECK(damaged.starts_with(file.string() + " is damaged ("));
  CHECK(has(damaged, "`sqlite3 " + file.string() + " .recover` prints what can be saved"));

  const auto nowhere = test::run(
      history_command, {"--config", site.config().string(), "--depot", (site.dir / "none").string()});
  CHECK(nowhere.mistake.starts_with("there is no depot in "));
}

TEST_CASE("the history is read while the server has it open, with what was written last") {
  const test::Site site;
  storage::RecordBook book(site.depot.history());
  book.write(std::vector<storage::Record>{transfer(noon, "192.0.2.1", "/a")});
  CHECK(test::lines_in(site.run(history_command).out).size() == 2);
  book.write(std::vector<storage::Record>{transfer(noon, "192.0.2.1", "/b")});
  CHECK(test::lines_in(site.run(history_command).out).size() == 3);
}

TEST_CASE("a hundred rows are listed unless more are asked for") {
  const test::Site site;
  std::vector<storage::Record> records;
  for (int i = 0; i < 101; ++i) records.emplace_back(transfer(noon + i * minute, "192.0.2.1", "/a"));
  storage::RecordBook(site.depot.history()).write(records);
  CHECK(YAML::Load(site.run(history_command, {"--json"}).out).size() == 100);
  CHECK(YAML::Load(site.run(history_command, {"--json", "--limit", "101"}).out).size() == 101);
}
