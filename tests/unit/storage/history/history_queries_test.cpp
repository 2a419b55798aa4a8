#include "storage/history/history_queries.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <vector>

#include "storage/history/record_book.hpp"
#include "tests/support/temp_dir.hpp"

using namespace storage;

namespace {

record::Transfer transfer(std::int64_t ended, const std::string& client, const std::string& file,
                          const std::string& outcome = "whole") {
  record::Transfer made;
  made.started = made.ended = ended;
  made.client = client, made.protocol = "tftp", made.file = file;
  made.outcome = outcome, made.cause = outcome == "whole" ? "complete" : "silence";
  return made;
}

record::Miss miss(std::int64_t at, const std::string& client, const std::string& asked) {
  record::Miss made;
  made.last_at = at;
  made.client = client, made.protocol = "tftp", made.cause = "NOT_FOUND", made.asked = asked,
  made.text = "why";
  return made;
}

struct Kept {
  test::TempDir directory;
  std::filesystem::path file = directory / "a % strange? name#.db";
  RecordBook book{file};
  HistoryQueries queries{file, [] { return false; }};

  Kept() {
    book.write(std::vector<Record>{transfer(1000, "192.0.2.1", "/EWC/17_9_4a/ap1g8"),
                                   transfer(2000, "192.0.2.2", "/EWC/17_9_4a/ap1g6"),
                                   transfer(3000, "192.0.2.1", "/EWC/17_9_4ab/ap1g8", "broke_off"),
                                   transfer(4000, "192.0.2.1", "/ap1g8_old", "partly"),
                                   miss(1000, "192.0.2.1", "ap1g8"), miss(2000, "192.0.2.2", "/Wrong/ap1g8"),
                                   record::Login{1000, "192.0.2.1", "ewc", "password", "accepted"},
                                   record::Login{2000, "192.0.2.2", "ewc", "password", "wrong_password"},
                                   record::Import{1000, "a.zip", "published", "/EWC/17_9_4a"},
                                   record::Import{2000, "b.zip", "rejected", "why"}});
  }

  std::vector<std::int64_t> ended(const HistoryFilter& filter) {
    std::vector<std::int64_t> times;
    for (const auto& each : queries.transfers(filter)) times.push_back(each.ended);
    return times;
  }
};

using Times = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("transfers are listed with the newest last, by any of the filters") {
  Kept kept;
  CHECK(kept.ended({}) == Times{1000, 2000, 3000, 4000});
  CHECK(kept.ended({.limit = 2}) == Times{3000, 4000});
  CHECK(kept.ended({.client = "192.0.2.1"}) == Times{1000, 3000, 4000});
  CHECK(kept.ended({.client = "192.0.2.9"}).empty());
  CHECK(kept.ended({.folder = "/EWC/17_9_4a"}) == Times{1000, 2000});
  CHECK(kept.ended({.folder = ""}) == Times{1000, 2000, 3000, 4000});
  CHECK(kept.ended({.file = "ap1g8"}) == Times{1000, 3000});
  CHECK(kept.ended({.file = "/EWC/17_9_4a/ap1g8"}) == Times{1000});
  CHECK(kept.ended({.file = "ap1"}).empty());
  CHECK(kept.ended({.since = 3000}) == Times{3000, 4000});
  CHECK(kept.ended({.broken = true}) == Times{3000});
  CHECK(kept.ended({.client = "192.0.2.1", .folder = "/EWC/17_9_4a", .since = 1, .limit = 5}) == Times{1000});
  CHECK(kept.ended({.file = "' OR 1=1 --"}).empty());
}

TEST_CASE("the other lists know the filters that fit them") {
  Kept kept;
  auto& queries = kept.queries;
  REQUIRE(queries.misses({.file = "ap1g8"}).size() == 2);
  CHECK(queries.misses({.file = "ap1g8"})[0].asked == "ap1g8");
  CHECK(queries.misses({.client = "192.0.2.2"})[0].asked == "/Wrong/ap1g8");
  CHECK(queries.misses({.folder = "/Wrong"}).size() == 1);
  CHECK(queries.misses({.since = 3000}).empty());
  CHECK(queries.logins({}).size() == 2);
  CHECK(queries.logins({.client = "192.0.2.2"})[0].outcome == "wrong_password");
  CHECK(queries.imports({}).size() == 2);
  CHECK(queries.imports({.file = "b.zip"})[0].detail == "why");
  CHECK(queries.holdings({.folder = "/EWC/17_9_4a"}).size() == 2);
  CHECK(queries.holdings({.client = "192.0.2.2"})[0].file == "/EWC/17_9_4a/ap1g6");
  CHECK(queries.holdings({.file = "ap1g8_old"}).empty());
}

TEST_CASE("a question that takes too long is given up") {
  const test::TempDir directory;
  RecordBook book(directory / "history.db");
  book.write(std::vector<Record>(50'000, transfer(1000, "192.0.2.1", "/a")));
  HistoryQueries queries(directory / "history.db", [] { return true; });
  try {
    queries.transfers({.file = "b"});
    FAIL("it was answered");
  } catch (const DatabaseError& e) {
    CHECK(e.kind() == DatabaseError::Kind::given_up);
  }
}

TEST_CASE("many short questions that take too long together are given up") {
  Kept kept;
  bool over = false;
  HistoryQueries queries(kept.file, [&] { return over; });
  CHECK(queries.misses({.client = "192.0.2.1"}).size() == 1);
  over = true;
  try {
    queries.misses({.client = "192.0.2.1"});
    FAIL("it was answered");
  } catch (const DatabaseError& e) {
    CHECK(e.kind() == DatabaseError::Kind::given_up);
  }
}

TEST_CASE("a history that is not there cannot be read") {
  const test::TempDir directory;
  CHECK_THROWS_AS(HistoryQueries(directory / "history.db", [] { return false; }), DatabaseError);
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("a list is read page by page, each row once, though several are of one moment") {
  const test::TempDir directory;
  RecordBook book(directory / "history.db");
  std::vector<Record> rows;
  for (int i = 0; i < 25; ++i) rows.push_back(transfer(1000 + i / 5, "192.0.2.1", fmt::format("/a/{}", i)));
  book.write(rows);
  HistoryQueries queries(directory / "history.db", [] { return false; });
  std::vector<std::string> files;
  HistoryFilter filter{.limit = 7};
  for (;;) {
    const auto page = queries.transfers(filter);
    if (page.empty()) break;
    for (auto row = page.rbegin(); row != page.rend(); ++row) files.push_back(row->file);
    filter.after = HistoryFilter::Row{page.front().ended, page.front().id};
  }
  REQUIRE(files.size() == 25);
  for (int i = 0; i < 25; ++i) CHECK(files[static_cast<std::size_t>(i)] == fmt::format("/a/{}", 24 - i));
}

TEST_CASE("rows are found by time, cause, outcome, and by a part of their texts in any case") {
  Kept kept;
  CHECK(kept.ended({.until = 3000}) == Times{1000, 2000});
  CHECK(kept.ended({.outcome = "partly"}) == Times{4000});
  CHECK(kept.ended({.cause = "silence"}) == Times{3000, 4000});
  CHECK(kept.ended({.text = "AP1G6"}) == Times{2000});
  CHECK(kept.ended({.text = "192.0.2.2"}) == Times{2000});
  CHECK(kept.ended({.text = "%"}).empty());
  CHECK(kept.queries.misses({.cause = "NOT_FOUND"}).size() == 2);
  CHECK(kept.queries.misses({.text = "wrong"}).size() == 1);
  CHECK(kept.queries.logins({.outcome = "accepted"}).size() == 1);
  CHECK(kept.queries.logins({.text = "EWC"}).size() == 2);
  CHECK(kept.queries.imports({.text = "B.zip"}).size() == 1);
}

TEST_CASE("devices are told with when they were seen, and how their transfers ended") {
  Kept kept;
  auto& queries = kept.queries;
  const auto seen = queries.seen({}, 100);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].address == "192.0.2.1");
  CHECK(seen[0].first_at == 1000);
  CHECK(queries.seen("192.0.2.2", 1).at(0).last_at == 2000);
  CHECK(queries.seen("192.0.2.9", 1).empty());
  CHECK(queries.seen({}, 1).size() == 1);
  const auto outcomes = queries.outcomes_of("192.0.2.1", 100);
  CHECK(outcomes.at("whole") == 1);
  CHECK(outcomes.at("broke_off") == 1);
  CHECK(queries.outcomes_of("192.0.2.1", 1).size() == 1);
  CHECK(queries.outcomes_since(2000).at("whole") == 1);
  CHECK(queries.misses_since(2000) == 1);
}
