#include "storage/history/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <system_error>

#include "storage/files/path_text.hpp"

namespace storage {
namespace {

constexpr int patience = 2000;          // milliseconds, for a lock of another process
constexpr int steps_between = 100'000;  // of SQLite's machine, between two questions to `over`

DatabaseError error_of(sqlite3* database, int code) {
  using Kind = DatabaseError::Kind;
  const int primary = code & 0xff;
  std::string text = database ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  const int of_system = database ? sqlite3_system_errno(database) : 0;
  if (of_system != 0 && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN))
    text += fmt::format(" ({})", std::system_category().message(of_system));
  const bool broken = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
  return {broken ? Kind::damaged : primary == SQLITE_INTERRUPT ? Kind::given_up : Kind::failed, text};
}

// As a URI, in which only these bytes stand for themselves.
std::string uri_of(const std::filesystem::path& file, bool nobody_writes) {
  const auto name = utf8_of(std::filesystem::absolute(file));
  std::string uri = name.starts_with('/') ? "file://" : "file:///";  // "file:///C:/depot/state/history.db"
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_';
    uri += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return uri + (nobody_writes ? "?mode=ro&immutable=1" : "?mode=ro");
}

// Where a reader may not make files, SQLite reads a database with a write-ahead log only beside its log. A
// server that has ended well leaves none, and then nobody writes.
bool has_log(const std::filesystem::path& file) {
  std::error_code ignored;
  auto log = file;
  return std::filesystem::exists(log += "-wal", ignored);
}

void keep_from_others(const std::filesystem::path& file) {
  using std::filesystem::perms;
  std::error_code ignored;  // as far as the file system knows modes
  std::filesystem::permissions(file, perms::owner_read | perms::owner_write | perms::group_read, ignored);
}

}  // namespace

std::string sqlite_version() { return sqlite3_libversion(); }

void Database::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

Database::Database(const std::filesystem::path& file, Use use) {
  const bool writes = use == Use::write;
  std::error_code unknown;
  const bool is_new = writes && !std::filesystem::exists(file, unknown);
  const int flags =
      writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  sqlite3* opened = nullptr;
  const auto name = writes ? utf8_of(file) : uri_of(file, !has_log(file));
  const int code =
      sqlite3_open_v2(name.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  handle_.reset(opened);
  if (code != SQLITE_OK) throw error_of(opened, code);
  if (is_new) keep_from_others(file);
  sqlite3_busy_timeout(opened, patience);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
}

void Database::run(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw error_of(handle_.get(), code);
}

std::int64_t Database::number(const std::string& sql) { return Statement(*this, sql).number().value_or(0); }

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }

std::int64_t Database::changed() const { return sqlite3_changes64(handle_.get()); }

void Database::give_up_when(std::function<bool()> over) {
  over_ = std::move(over);
  const auto ask = [](void* self) { return static_cast<Database*>(self)->over_() ? 1 : 0; };
  sqlite3_progress_handler(handle_.get(), steps_between, ask, this);
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v3(database.handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  handle_.reset(prepared);
  if (code == SQLITE_OK) return;
  const auto error = error_of(database.handle_.get(), code);
  // The statements are right: a table or a column is missing.
  if ((code & 0xff) == SQLITE_ERROR) throw DatabaseError(DatabaseError::Kind::damaged, error.what());
  throw error;
}

// Asks first: many short statements take long together, and SQLite asks within a long one only. What went
// wrong the last time was said then.
void Statement::begin_again() {
  if (database_.over_ && database_.over_())
    throw DatabaseError(DatabaseError::Kind::given_up, sqlite3_errstr(SQLITE_INTERRUPT));
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

void Statement::expect_done(int code) {
  if (code != SQLITE_OK) throw error_of(database_.handle_.get(), code);
}

void Statement::bind_number(int place, std::int64_t number) {
  expect_done(sqlite3_bind_int64(handle_.get(), place, number));
}

void Statement::bind(int place, std::string_view text) {
  expect_done(
      sqlite3_bind_text64(handle_.get(), place, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    const auto error = error_of(database_.handle_.get(), code);
    sqlite3_reset(handle_.get());
    throw error;
  }
  sqlite3_reset(handle_.get());
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

std::optional<std::int64_t> Statement::number() {
  std::optional<std::int64_t> found;
  if (step()) found = number_or_none(0);
  sqlite3_reset(handle_.get());
  return found;
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(handle_.get(), column); }

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (!text) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::optional<std::int64_t> Statement::number_or_none(int column) const {
  if (sqlite3_column_type(handle_.get(), column) == SQLITE_NULL) return {};
  return number(column);
}

}  // namespace storage
