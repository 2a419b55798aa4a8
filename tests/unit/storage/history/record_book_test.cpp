#include "storage/history/record_book.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <limits>
#include <vector>

#include "storage/history/history_queries.hpp"
#include "tests/support/failing_disk.hpp"
#include "tests/support/temp_dir.hpp"

using namespace storage;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t minute = 60'000, day = 24 * 60 * minute, now = 20'000 * day;
constexpr RecordBook::Limits no_limits{0, std::numeric_limits<std::uint64_t>::max()};

record::Transfer transfer(std::int64_t ended, const std::string& client = "192.0.2.7",
                          const std::string& file = "/EWC/17_9_4a/ap1g8") {
  record::Transfer made;
  made.started = ended - 2000, made.ended = ended;
  made.client = client, made.protocol = "tftp", made.file = file;
  made.size = made.bytes = 70'512'640;
  made.outcome = "whole", made.cause = "complete";
  made.resent = 3;
  return made;
}

record::Miss miss(std::int64_t at, const std::string& asked) {
  record::Miss made;
  made.last_at = at;
  made.client = "192.0.2.7", made.protocol = "tftp", made.cause = "NOT_FOUND", made.asked = asked;
  made.text = asked + " does not exist";
  return made;
}

record::Login login(std::int64_t at, const std::string& outcome) {
  return {at, "192.0.2.7", "ewc", "password", outcome};
}

void write(RecordBook& book, const Record& record) { book.write({&record, 1}); }

std::int64_t number(const fs::path& file, const std::string& sql) {
  return Database(file, Database::Use::read).number(sql);
}

std::vector<record::Transfer> transfers(const fs::path& file) {
  return HistoryQueries(file, [] { return false; }).transfers({.limit = 1'000'000});
}

DatabaseError::Kind kind_of_error(const fs::path& file) {
  try {
    RecordBook book(file);
  } catch (const DatabaseError& e) {
    return e.kind();
  }
  FAIL("it was opened");
  return {};
}

}  // namespace

TEST_CASE("a reader finds what was written, while the writer has the file open and afterwards") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  {
    RecordBook book(file);
    auto sent = transfer(now);
    sent.user = "ewc", sent.detail = "No space left", sent.size = {}, sent.upload = true;
    write(book, sent);
    const auto found = transfers(file);
    REQUIRE(found.size() == 1);
    CHECK(found[0].started == now - 2000);
    CHECK(found[0].ended == now);
    CHECK(found[0].client == "192.0.2.7");
    CHECK(found[0].protocol == "tftp");
    CHECK(found[0].user == "ewc");
    CHECK(found[0].file == "/EWC/17_9_4a/ap1g8");
    CHECK(found[0].upload);
    CHECK(found[0].size == std::nullopt);
    CHECK(found[0].bytes == 70'512'640);
    CHECK(found[0].outcome == "whole");
    CHECK(found[0].cause == "complete");
    CHECK(found[0].detail == "No space left");
    CHECK(found[0].resent == 3);
  }
  CHECK(transfers(file).size() == 1);
  CHECK_FALSE(fs::exists(directory / "history.db-wal"));
}

TEST_CASE("a text is kept once, however many rows have it") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  {
    RecordBook book(file);
    write(book, transfer(now));
    const auto names = number(file, "SELECT count(*) FROM names");
    const std::vector<Record> more(100, transfer(now + 1));
    book.write(more);
    CHECK(number(file, "SELECT count(*) FROM names") == names);
    CHECK(number(file, "SELECT count(*) FROM devices") == 1);
  }
  RecordBook again(file);  // which remembers nothing
  write(again, transfer(now + 2));
  CHECK(number(file, "SELECT count(*) FROM devices") == 1);
  CHECK(number(file, "SELECT count(DISTINCT file) FROM transfers") == 1);
}

TEST_CASE("the memory for texts is bounded, and what it has lost is found again") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook book(file);
  std::vector<Record> many;
  for (std::size_t i = 0; i < KeptTexts::most + 10; ++i)
    many.push_back(transfer(now, fmt::format("client {}", i)));
  book.write(many);
  book.write(many);
  CHECK(book.remembered() <= 2 * KeptTexts::most);
  CHECK(number(file, "SELECT count(*) FROM devices") == static_cast<std::int64_t>(many.size()));
}

TEST_CASE("the same miss again is counted") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook book(file);
  for (int i = 0; i < 3; ++i) write(book, miss(now + i, "/Wrong/ap1g8"));
  write(book, miss(now + 5, "/Wrong/ap1g6"));
  const auto found = HistoryQueries(file, [] { return false; }).misses({});
  REQUIRE(found.size() == 2);
  CHECK(found[0].asked == "/Wrong/ap1g8");
  CHECK(found[0].count == 3);
  CHECK(found[0].first_at == now);
  CHECK(found[0].last_at == now + 2);
  CHECK(found[1].count == 1);
}

TEST_CASE("failed logins of a minute are one row, and accepted ones are one each") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook book(file);
  for (const auto at : {now, now + 1000, now + 2 * minute}) write(book, login(at, "wrong_password"));
  write(book, login(now + 3 * minute, "accepted"));
  write(book, login(now + 3 * minute + 1, "accepted"));
  const auto found = HistoryQueries(file, [] { return false; }).logins({});
  std::vector<std::int64_t> counts;
  for (const auto& each : found) counts.push_back(each.count);
  CHECK(counts == std::vector<std::int64_t>{2, 1, 1, 1});
  CHECK(found[0].outcome == "wrong_password");
  CHECK(found[3].outcome == "accepted");
}

TEST_CASE("a client holds what it has read whole, and nothing else") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook book(file);
  write(book, transfer(now));
  write(book, transfer(now + day));
  auto broken = transfer(now, "192.0.2.8");
  broken.outcome = "broke_off";
  write(book, broken);
  auto upload = transfer(now, "192.0.2.9", "/uploads/config");
  upload.upload = true;
  write(book, upload);
  const auto found = HistoryQueries(file, [] { return false; }).holdings({});
  REQUIRE(found.size() == 1);
  CHECK(found[0].client == "192.0.2.7");
  CHECK(found[0].times == 2);
  CHECK(found[0].first_at == now);
  CHECK(found[0].last_at == now + day);
}

TEST_CASE("what is older than the limit goes, with the texts that nobody has any more") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook book(file);
  std::vector<Record> old;
  for (int i = 0; i < 2500; ++i)
    old.push_back(transfer(now - 10 * day + i, "192.0.2.8", fmt::format("/old/{}", i)));
  old.push_back(miss(now - 10 * day, "/old"));
  old.push_back(login(now - 10 * day, "accepted"));
  old.push_back(record::Import{now - 10 * day, "old.zip", "rejected", "damaged"});
  book.write(old);
  write(book, transfer(now));

  int batches = 1;
  while (book.prune({now - 5 * day, no_limits.max_bytes})) ++batches;
  CHECK(batches >= 3);
  REQUIRE(transfers(file).size() == 1);
  CHECK(transfers(file)[0].ended == now);
  for (const auto* const table : {"misses", "logins", "imports"})
    CHECK(number(file, fmt::format("SELECT count(*) FROM {}", table)) == 0);
  CHECK(number(file, "SELECT count(*) FROM devices") == 1);
  CHECK(number(file, "SELECT count(*) FROM names WHERE text LIKE '/old%'") == 0);
  CHECK(number(file, "SELECT count(*) FROM holdings") == 1);
  write(book, transfer(now + 1));  // with texts of whom some went
  CHECK(transfers(file)[1].file == "/EWC/17_9_4a/ap1g8");
}

TEST_CASE("beyond its size the history loses the oldest rows of all tables") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook book(file);
  constexpr std::uint64_t bound = 512 << 10;
  std::vector<Record> many;
  for (int i = 0; i < 15'000; ++i)
    many.push_back(transfer(now + i, "192.0.2.7", fmt::format("/EWC/r/{}", i % 50)));
  many.push_back(miss(now + 1, "/first"));
  many.push_back(miss(now + 14'999, "/last"));
  book.write(many);
  while (book.prune({0, bound})) {
  }
  const auto found = transfers(file);
  CHECK(found.size() < 14'000);
  CHECK(found.size() > 1000);
  CHECK(found.back().ended == now + 14'999);
  CHECK(found.front().ended == now + 15'000 - static_cast<std::int64_t>(found.size()));
  CHECK(number(file, "SELECT count(*) FROM misses") == 1);
  CHECK(number(file, "SELECT count(*) FROM transfers WHERE file NOT IN (SELECT id FROM names)") == 0);
  const auto pages = number(file, "PRAGMA page_count") - number(file, "PRAGMA freelist_count");
  CHECK(static_cast<std::uint64_t>(pages * 4096) <= bound);
}

TEST_CASE("a text that is used again and again stays while old ones go") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook book(file);
  for (int i = 0; i < 20; ++i) {
    write(book, transfer(now + i * day, "192.0.2.7", "/EWC/always"));
    while (book.prune({now + (i - 3) * day, no_limits.max_bytes})) {
    }
  }
  for (const auto& each : transfers(file)) {
    CHECK(each.file == "/EWC/always");
    CHECK(each.client == "192.0.2.7");
  }
  CHECK(transfers(file).size() == 4);
}

TEST_CASE("two servers of one depot do not use ids that the other has removed") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook first(file), second(file);
  write(first, transfer(now, "192.0.2.7", "/EWC/first"));
  while (second.prune({now + 10 * day, no_limits.max_bytes})) {
  }
  write(second, transfer(now + 11 * day, "192.0.2.8", "/EWC/second"));  // which takes the ids
  write(first, transfer(now + 11 * day + 1, "192.0.2.7", "/EWC/first"));
  const auto found = transfers(file);
  REQUIRE(found.size() == 2);
  CHECK(found[0].file == "/EWC/second");
  CHECK(found[1].file == "/EWC/first");
  CHECK(found[1].client == "192.0.2.7");
}

TEST_CASE("a file that is not the history is damaged, and one of a newer apdepot is not") {
  const test::TempDir directory;
  CHECK(kind_of_error(directory.write("garbage.db", std::string(8192, 'x'))) == DatabaseError::Kind::damaged);
  const auto other = directory / "other.db";
  Database(other, Database::Use::write).run("CREATE TABLE theirs(a)");
  CHECK(kind_of_error(other) == DatabaseError::Kind::damaged);
  const auto newer = directory / "newer.db";
  { const RecordBook book(newer); }
  Database(newer, Database::Use::write).run("PRAGMA user_version=99");
  CHECK(kind_of_error(newer) == DatabaseError::Kind::failed);
  const auto lacking = directory / "lacking.db";
  { const RecordBook book(lacking); }
  Database(lacking, Database::Use::write).run("DROP TABLE transfers");
  CHECK(kind_of_error(lacking) == DatabaseError::Kind::damaged);
}

TEST_CASE("a reader who comes while the history is made hears so") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  Database(file, Database::Use::write).run("PRAGMA journal_mode=WAL");
  CHECK_THROWS_WITH_AS(HistoryQueries(file, nullptr), doctest::Contains("only just begun"), DatabaseError);
  { const RecordBook book(file); }
  CHECK(HistoryQueries(file, [] { return false; }).misses({}).empty());
}

TEST_CASE("where nothing is kept the lists are empty") {
  auto nothing = HistoryQueries::of_nothing([] { return false; });
  CHECK(nothing.transfers({.client = "192.0.2.7", .limit = 10}).empty());
  CHECK(nothing.described().empty());
}

TEST_CASE("an empty file, which a crash may leave, becomes a history") {
  const test::TempDir directory;
  const auto file = directory.write("history.db", "");
  RecordBook book(file);
  write(book, transfer(now));
  CHECK(transfers(file).size() == 1);
}

TEST_CASE(
    "what a failed sync or a full disk kept from being written is not there, and can be written again") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  test::FailingDisk disk(directory / "synced");
  RecordBook book(file);
  write(book, transfer(now));
  const auto fails = [&](std::atomic<int>& fault, int error) {
    fault = error;
    CHECK_THROWS_AS(write(book, transfer(now + 1)), DatabaseError);
    fault = SQLITE_OK;
    CHECK(transfers(file).size() == 1);
  };
  fails(disk.sync_error, SQLITE_IOERR_FSYNC);
  fails(disk.write_error, SQLITE_FULL);
  fails(disk.write_error, SQLITE_IOERR_WRITE);
  RecordBook again(file);
  write(again, transfer(now + 1));
  CHECK(transfers(file).size() == 2);
}

TEST_CASE("a power cut takes nothing that was written") {
  const test::TempDir directory;
  const auto file = directory / "history.db", synced = directory / "synced";
  test::FailingDisk disk(synced);
  RecordBook book(file);
  for (int i = 0; i < 40; ++i) {
    // Enough for several checkpoints of the log.
    const std::vector<Record> some(
        200, transfer(now + i, fmt::format("192.0.2.{}", i), fmt::format("/EWC/{}", i)));
    book.write(some);
    if (i % 13 != 0) continue;
    const auto left = directory / fmt::format("left {}", i);  // what is on the disk now
    fs::copy(synced, left);
    const auto found = transfers(left / "history.db");
    CHECK(found.size() == static_cast<std::size_t>(200 * (i + 1)));
    CHECK(number(left / "history.db",
                 "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1);
  }
}

namespace {

record::Described described(const std::string& key, std::int64_t at) {
  record::Described made;
  made.key = key, made.at = at, made.name = "floor-1", made.site = "dock";
  return made;
}

}  // namespace

TEST_CASE("what administrators did is kept, and goes when it is old") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook book(file);
  write(book, record::Act{now - 10 * day, "maria", "promote", "/EWC/17_3_3", "done"});
  write(book, record::Act{now, "maria", "retire", "/EWC/17_9_4a", "it is current"});
  HistoryQueries queries(file, [] { return false; });
  REQUIRE(queries.acts({}).size() == 2);
  CHECK(queries.acts({})[1].outcome == "it is current");
  CHECK(queries.acts({.text = "17_3"}).at(0).who == "maria");
  CHECK(queries.acts({.since = now}).size() == 1);
  while (book.prune({now - day, std::numeric_limits<std::uint64_t>::max()})) {
  }
  CHECK(queries.acts({}).size() == 1);
}

TEST_CASE("what is said of a device stands for what was said before, under another key too") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook book(file);
  write(book, record::Descriptions{{described("name floor-1", now), described("192.0.2.8", now)}});
  auto known = described("192.0.2.7", now + 1);
  known.address = "192.0.2.7", known.replaces = "name floor-1", known.listed_at = now;
  write(book, record::Descriptions{{known}});
  HistoryQueries queries(file, [] { return false; });
  const auto all = queries.described();
  REQUIRE(all.size() == 2);
  CHECK(all[0].key == "192.0.2.7");
  CHECK(all[0].site == "dock");
  CHECK(all[0].listed_at == now);
  CHECK_FALSE(all[1].listed_at);
}

TEST_CASE("what is said of devices goes by age alone, and never for want of room") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  RecordBook book(file);
  write(book, record::Descriptions{{described("192.0.2.7", now), described("192.0.2.8", now - 10 * day)}});
  while (book.prune({0, 1})) {
  }
  HistoryQueries queries(file, [] { return false; });
  CHECK(queries.described().size() == 2);
  while (book.prune({now - day, std::numeric_limits<std::uint64_t>::max()})) {
  }
  CHECK(queries.described().size() == 1);
}

TEST_CASE(
    "a history of the first schema is read as it is, and gets the second one's tables when it is written") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  {
    RecordBook book(file);
    write(book, transfer(now));
  }
  Database(file, Database::Use::write).run("DROP TABLE acts; DROP TABLE described; PRAGMA user_version=1");
  {
    HistoryQueries old(file, [] { return false; });
    CHECK(old.transfers({}).size() == 1);
    CHECK(old.acts({}).empty());
    CHECK(old.described().empty());
  }
  RecordBook book(file);
  write(book, record::Act{now, "maria", "promote", "/EWC/17_9_4a", "done"});
  HistoryQueries queries(file, [] { return false; });
  CHECK(queries.transfers({}).size() == 1);
  CHECK(queries.acts({}).size() == 1);
}
