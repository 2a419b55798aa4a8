#include "server/history/history_writer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "storage/history/history_queries.hpp"
#include "tests/support/failing_disk.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr auto patience = 60s;

std::int64_t milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

storage::Record transfer(std::int64_t ended = milliseconds_now()) {
  storage::record::Transfer made;
  made.started = made.ended = ended;
  made.client = "192.0.2.7", made.protocol = "tftp", made.file = "/EWC/17_9_4a/ap1g8";
  made.outcome = "whole", made.cause = "complete";
  return made;
}

std::size_t rows(const fs::path& file) try {
  return storage::HistoryQueries(file, [] { return false; }).transfers({.limit = 1'000'000}).size();
} catch (const storage::DatabaseError&) {
  return 0;  // it is not there yet
}

// Until it holds; the writer is another thread.
template <class Condition>
bool comes(Condition holds) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

struct Kept {
  test::TempDir directory;
  fs::path file = directory / "history.db";
  std::mutex mutex;
  std::vector<std::string> told;

  HistoryWriter::Tell tell() {
    return [this](std::string text) {
      const std::lock_guard lock(mutex);
      told.push_back(std::move(text));
    };
  }
  bool has_told(std::string_view words) {
    const std::lock_guard lock(mutex);
    for (const auto& text : told)
      if (text.find(words) != text.npos) return true;
    return false;
  }
  std::unique_ptr<HistoryWriter> writer(HistoryWriter::Limits limits = {std::chrono::days(400), 256 << 20}) {
    return std::make_unique<HistoryWriter>(file, limits, tell());
  }
};

}  // namespace

TEST_CASE("a record is on the disk soon, without an end of the writer") {
  Kept kept;
  const auto writer = kept.writer();
  for (std::size_t i = 1; i <= 2; ++i) {
    CHECK(writer->put(transfer()));
    CHECK(comes([&] { return rows(kept.file) == i; }));
  }
  CHECK(kept.told.empty());
}

TEST_CASE("the end of the history's writer leaves nothing behind") {
  Kept kept;
  auto writer = kept.writer();
  for (int i = 0; i < 3000; ++i) CHECK(writer->put(transfer()));
  CHECK(writer->close(patience));
  writer.reset();
  CHECK(rows(kept.file) == 3000);
  CHECK_FALSE(fs::exists(kept.file.string() + "-wal"));
}

TEST_CASE("while another process holds the history, records wait up to a bound, and are written then") {
  Kept kept;
  { const storage::RecordBook made(kept.file); }
  std::optional<storage::Database> other(std::in_place, kept.file, storage::Database::Use::write);
  other->run("BEGIN IMMEDIATE");
  const auto writer = kept.writer();
  std::size_t taken = 0;
  while (writer->put(transfer())) ++taken;
  CHECK(taken == HistoryWriter::most_waiting);
  CHECK(comes([&] { return kept.has_told("database is locked; "); }));
  CHECK_FALSE(writer->put(transfer()));
  other.reset();
  CHECK(comes([&] { return rows(kept.file) == taken; }));
  CHECK(writer->put(transfer()));
  CHECK(comes([&] { return rows(kept.file) == 1 + taken; }));
}

TEST_CASE("a full disk is told, and the history goes on when there is room") {
  Kept kept;
  test::FailingDisk disk(kept.directory / "synced");
  const auto writer = kept.writer();
  CHECK(writer->put(transfer()));
  REQUIRE(comes([&] { return rows(kept.file) == 1; }));
  disk.write_error = SQLITE_FULL;
  CHECK(writer->put(transfer()));
  CHECK(comes([&] { return kept.has_told("database or disk is full; it is tried again in "); }));
  disk.write_error = SQLITE_OK;
  CHECK(comes([&] { return rows(kept.file) == 2; }));
}

TEST_CASE("a disk that syncs nothing holds up neither who puts a record nor the end") {
  Kept kept;
  test::FailingDisk disk(kept.directory / "synced");
  disk.sync_error = SQLITE_IOERR_FSYNC;
  const auto writer = kept.writer();
  CHECK(writer->put(transfer()));
  CHECK(comes([&] { return kept.has_told("cannot be written: disk I/O error"); }));
  CHECK_FALSE(writer->close(patience));
}

TEST_CASE("a damaged history is moved aside, and a new one begins") {
  Kept kept;
  const std::string garbage(20'000, 'x');
  kept.directory.write("history.db", garbage);
  kept.directory.write("history.db.broken", "an older one");
  const auto writer = kept.writer();
  CHECK(writer->put(transfer()));
  CHECK(comes([&] { return rows(kept.file) == 1; }));
  CHECK(kept.has_told("state/history.db is damaged (file is not a database)"));
  std::ifstream aside(kept.file.string() + ".broken");
  CHECK(std::string(std::istreambuf_iterator<char>(aside), {}) == garbage);
}

TEST_CASE("a history that somebody removes begins again") {
  Kept kept;
  const auto writer = kept.writer();
  CHECK(writer->put(transfer()));
  REQUIRE(comes([&] { return rows(kept.file) == 1; }));
  fs::remove(kept.file);
  CHECK(writer->put(transfer()));
  CHECK(comes([&] { return rows(kept.file) == 1; }));
}

TEST_CASE("what is older than the days that are kept goes by itself") {
  Kept kept;
  constexpr std::int64_t day = 86'400'000;
  {
    storage::RecordBook book(kept.file);
    book.write(std::vector<storage::Record>{transfer(milliseconds_now() - 11 * day),
                                            transfer(milliseconds_now() - 9 * day)});
  }
  const auto writer = kept.writer({std::chrono::days(10), 256 << 20});
  CHECK(comes([&] { return rows(kept.file) == 1; }));
}
