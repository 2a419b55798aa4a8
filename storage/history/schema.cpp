#include "storage/history/schema.hpp"

#include <fmt/format.h>

namespace storage {
namespace {

constexpr std::int64_t application = 0x61706470;  // "apdp"
constexpr std::int64_t newest = 2;                // of the schema

// A text that many rows have stands in `names` once: 110 bytes a transfer instead of 250. `last_at` there and
// in `devices` is at most a day, or a second, older than the newest row that refers to it.
constexpr auto tables = R"sql(
CREATE TABLE names(
  id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT;
CREATE INDEX names_last ON names(last_at);

CREATE TABLE devices(
  id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT;
CREATE INDEX devices_last ON devices(last_at);

CREATE TABLE transfers(
  id INTEGER PRIMARY KEY, started INTEGER NOT NULL, ended INTEGER NOT NULL,
  device INTEGER NOT NULL REFERENCES devices, protocol INTEGER NOT NULL REFERENCES names,
  user INTEGER REFERENCES names, file INTEGER NOT NULL REFERENCES names, upload INTEGER NOT NULL,
  size INTEGER, bytes INTEGER NOT NULL, outcome INTEGER NOT NULL REFERENCES names,
  cause INTEGER NOT NULL REFERENCES names, detail TEXT, resent INTEGER) STRICT;
CREATE INDEX transfers_ended ON transfers(ended);
CREATE INDEX transfers_device ON transfers(device, ended);

CREATE TABLE holdings(
  file INTEGER NOT NULL REFERENCES names, device INTEGER NOT NULL REFERENCES devices,
  first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, times INTEGER NOT NULL,
  PRIMARY KEY(file, device)) STRICT, WITHOUT ROWID;
CREATE INDEX holdings_last ON holdings(last_at);

CREATE TABLE misses(
  id INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES devices, protocol INTEGER NOT NULL REFERENCES names,
  cause INTEGER NOT NULL REFERENCES names, asked INTEGER NOT NULL REFERENCES names, text TEXT NOT NULL,
  first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, count INTEGER NOT NULL,
  UNIQUE(device, protocol, cause, asked)) STRICT;
CREATE INDEX misses_last ON misses(last_at);

CREATE TABLE logins(
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, count INTEGER NOT NULL, device INTEGER NOT NULL REFERENCES devices,
  user INTEGER NOT NULL REFERENCES names, method INTEGER NOT NULL REFERENCES names,
  outcome INTEGER NOT NULL REFERENCES names) STRICT;
CREATE INDEX logins_at ON logins(at);

CREATE TABLE imports(
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, file INTEGER NOT NULL REFERENCES names,
  outcome INTEGER NOT NULL REFERENCES names, detail TEXT NOT NULL) STRICT;
CREATE INDEX imports_at ON imports(at);
)sql";

// Since the second schema. What people say of devices stands by itself: it must outlast the devices'
// requests.
constexpr auto second_tables = R"sql(
CREATE TABLE acts(
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who INTEGER NOT NULL REFERENCES names,
  act INTEGER NOT NULL REFERENCES names, subject TEXT NOT NULL, outcome TEXT NOT NULL) STRICT;
CREATE INDEX acts_at ON acts(at);

CREATE TABLE described(
  key TEXT PRIMARY KEY, at INTEGER NOT NULL, address TEXT NOT NULL, name TEXT NOT NULL, site TEXT NOT NULL,
  kind TEXT NOT NULL, model TEXT NOT NULL, image TEXT NOT NULL, running TEXT NOT NULL, backup TEXT NOT NULL,
  predownload TEXT NOT NULL, listed_at INTEGER) STRICT, WITHOUT ROWID;
)sql";

// What can be changed before the first table only.
constexpr auto before_tables = "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL";

// FULL: a commit is on the disk. A log of a thousand pages would be 4 MiB beside a small history.
constexpr auto each_time =
    "PRAGMA synchronous=FULL; PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY; PRAGMA "
    "wal_autocheckpoint=256; "
    "PRAGMA journal_size_limit=1048576";

}  // namespace

HistoryDatabase::HistoryDatabase(const std::filesystem::path& file, Use use) : Database(file, use) {
  if (use == Use::write) {
    prepare();
  } else if (is_empty()) {
    throw DatabaseError(DatabaseError::Kind::empty, "the server has only just begun it: ask again");
  }
  expect_version();
}

void HistoryDatabase::prepare() {
  if (is_empty()) {
    run(before_tables);
    run("BEGIN IMMEDIATE");
    // Another server of this depot may have been faster.
    if (is_empty())
      run(fmt::format("{} {} PRAGMA application_id={}; PRAGMA user_version={}", tables, second_tables,
                      application, newest));
    run("COMMIT");
    run("PRAGMA wal_checkpoint(TRUNCATE)");  // a small disk has better use for the log
  }
  if (schema() == 1 && number("PRAGMA application_id") == application) {
    run("BEGIN IMMEDIATE");
    if (schema() == 1) run(fmt::format("{} PRAGMA user_version={}", second_tables, newest));
    run("COMMIT");
  }
  run(each_time);
}

void HistoryDatabase::expect_version() {
  if (number("PRAGMA application_id") != application)
    throw DatabaseError(DatabaseError::Kind::damaged, "it is a database of another program");
  if (const auto version = schema(); version > newest)
    throw DatabaseError(
        DatabaseError::Kind::failed,
        fmt::format("a newer apdepot has written it: its schema is {}, and this apdepot knows {}", version,
                    newest));
}

std::int64_t HistoryDatabase::schema() { return number("PRAGMA user_version"); }

bool HistoryDatabase::is_empty() {
  return number("PRAGMA application_id") == 0 && number("PRAGMA user_version") == 0 &&
         number("SELECT count(*) FROM sqlite_schema") == 0;
}

}  // namespace storage
