#include "storage/history/record_book.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <optional>

namespace storage {
namespace {

constexpr std::int64_t second = 1000, minute = 60 * second, day = 24 * 60 * minute;
constexpr std::size_t most_failures = 1000;
constexpr auto never = std::numeric_limits<std::int64_t>::max();

// The tables whose rows grow old, with the column that says how old.
struct Aging {
  const char *table, *time;
};
constexpr std::array aging{Aging{"transfers", "ended"}, Aging{"holdings", "last_at"},
                           Aging{"misses", "last_at"},  Aging{"logins", "at"},
                           Aging{"imports", "at"},      Aging{"acts", "at"}};

std::optional<std::string> text_or_none(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

RecordBook::RecordBook(const std::filesystem::path& file)
    : database_(file, Database::Use::write),
      names_(database_, "names", day),
      devices_(database_, "devices", second),
      add_transfer_(
          database_,
          "INSERT INTO transfers(started, ended, device, protocol, user, file, upload, size, bytes, "
          "outcome, cause, detail, resent) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      add_holding_(database_,
                   "INSERT INTO holdings(file, device, first_at, last_at, times) VALUES(?1, ?2, ?3, ?3, 1) "
                   "ON CONFLICT DO UPDATE SET last_at = max(last_at, ?3), times = times + 1"),
      add_miss_(database_,
                "INSERT INTO misses(device, protocol, cause, asked, text, first_at, last_at, count) "
                "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?6, 1) "
                "ON CONFLICT DO UPDATE SET text = ?5, last_at = max(last_at, ?6), count = count + 1"),
      add_login_(database_,
                 "INSERT INTO logins(at, count, device, user, method, outcome) VALUES(?, 1, ?, ?, ?, ?)"),
      count_login_(database_, "UPDATE logins SET count = count + 1 WHERE id = ?"),
      add_import_(database_, "INSERT INTO imports(at, file, outcome, detail) VALUES(?, ?, ?, ?)"),
      add_act_(database_, "INSERT INTO acts(at, who, act, subject, outcome) VALUES(?, ?, ?, ?, ?)"),
      forget_described_(database_, "DELETE FROM described WHERE key = ?"),
      describe_(database_,
                "INSERT OR REPLACE INTO described(key, at, address, name, site, kind, model, image, running, "
                "backup, predownload, listed_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      data_version_(database_.number("PRAGMA data_version")) {}

void RecordBook::write(std::span<const Record> records) {
  begin();
  try {
    for (const auto& record : records) std::visit([this](const auto& each) { add(each); }, record);
    database_.run("COMMIT");
  } catch (...) {
    roll_back();
    throw;
  }
}

// Another server of this depot may have removed what this one remembers.
void RecordBook::begin() {
  database_.run("BEGIN IMMEDIATE");
  const auto version = database_.number("PRAGMA data_version");
  if (version != data_version_) forget();
  data_version_ = version;
}

void RecordBook::roll_back() noexcept {
  forget();
  try {
    database_.run("ROLLBACK");
  } catch (const std::exception&) {  // SQLite has done so itself
  }
}

void RecordBook::forget() {
  names_.forget();
  devices_.forget();
  failures_.clear();
}

void RecordBook::add(const record::Transfer& transfer) {
  const auto now = transfer.ended;
  const auto device = devices_.id_of(transfer.client, now), file = names_.id_of(transfer.file, now);
  std::optional<std::int64_t> user;
  if (!transfer.user.empty()) user = names_.id_of(transfer.user, now);
  add_transfer_
      .with(transfer.started, now, device, names_.id_of(transfer.protocol, now), user, file, transfer.upload,
            transfer.size, transfer.bytes, names_.id_of(transfer.outcome, now),
            names_.id_of(transfer.cause, now), text_or_none(transfer.detail), transfer.resent)
      .run();
  if (!transfer.upload && transfer.outcome == "whole") add_holding_.with(file, device, now).run();
}

void RecordBook::add(const record::Miss& miss) {
  const auto now = miss.last_at;
  add_miss_
      .with(devices_.id_of(miss.client, now), names_.id_of(miss.protocol, now), names_.id_of(miss.cause, now),
            names_.id_of(miss.asked, now), miss.text, now)
      .run();
}

void RecordBook::add(const record::Login& login) {
  const auto now = login.at;
  const auto device = devices_.id_of(login.client, now), user = names_.id_of(login.user, now),
             outcome = names_.id_of(login.outcome, now);
  const bool failed = login.outcome != "accepted";
  const Failure failure{device, user, outcome};
  const auto place = failed ? failures_.find(failure) : failures_.end();
  if (place != failures_.end() && std::abs(now - place->second.at) < minute)
    return count_login_.with(place->second.id).run();
  add_login_.with(now, device, user, names_.id_of(login.method, now), outcome).run();
  if (!failed) return;
  if (failures_.size() >= most_failures) failures_.clear();
  failures_[failure] = {database_.last_id(), now};
}

void RecordBook::add(const record::Import& done) {
  add_import_
      .with(done.at, names_.id_of(done.file, done.at), names_.id_of(done.outcome, done.at), done.detail)
      .run();
}

void RecordBook::add(const record::Act& act) {
  add_act_
      .with(act.at, names_.id_of(act.who, act.at), names_.id_of(act.act, act.at), act.subject, act.outcome)
      .run();
}

void RecordBook::add(const record::Descriptions& said) {
  for (const auto& device : said.devices) add(device);
}

void RecordBook::add(const record::Described& device) {
  if (!device.replaces.empty()) forget_described_.with(device.replaces).run();
  describe_
      .with(device.key, device.at, device.address, device.name, device.site, device.kind, device.model,
            device.image, device.running, device.backup, device.predownload, device.listed_at)
      .run();
}

bool RecordBook::prune(const Limits& limits) {
  begin();
  std::int64_t removed = 0;
  try {
    removed = remove_until(limits.since) + remove_described(limits.since);
    if (removed == 0 && used_bytes() > limits.max_bytes) removed = remove_oldest();
    removed += remove_unused_texts();
    database_.run("COMMIT");
  } catch (...) {
    roll_back();
    throw;
  }
  if (removed == 0) return false;
  forget();
  database_.run("PRAGMA incremental_vacuum(256)");
  return true;
}

std::int64_t RecordBook::remove_until(std::int64_t time) {
  std::int64_t removed = 0;
  for (const auto& [table, column] : aging) {
    Statement statement(
        database_,
        fmt::format("DELETE FROM {0} WHERE {1} <= (SELECT max(old) FROM (SELECT {1} AS old FROM {0} "
                    "WHERE {1} < ? ORDER BY {1} LIMIT {2}))",
                    table, column, batch));
    statement.with(time).run();
    removed += database_.changed();
  }
  return removed;
}

// By age alone: a full history must not make an inventory smaller.
std::int64_t RecordBook::remove_described(std::int64_t time) {
  Statement(database_, "DELETE FROM described WHERE at < ?").with(time).run();
  return database_.changed();
}

// The batch of the table whose batch is the oldest, and what the other tables have of that time.
std::int64_t RecordBook::remove_oldest() {
  std::int64_t oldest_end = never;
  for (const auto& [table, column] : aging) {
    Statement statement(
        database_, fmt::format("SELECT max(old) FROM (SELECT {1} AS old FROM {0} ORDER BY {1} LIMIT {2})",
                               table, column, batch));
    oldest_end = std::min(oldest_end, statement.number().value_or(never));
  }
  return oldest_end == never ? 0 : remove_until(oldest_end + 1);
}

// A text is at most a day older in its table than the newest row that refers to it: KeptTexts.
std::int64_t RecordBook::remove_unused_texts() {
  std::int64_t oldest = never;
  for (const auto& [table, column] : aging) {
    Statement statement(database_, fmt::format("SELECT min({}) FROM {}", column, table));
    oldest = std::min(oldest, statement.number().value_or(never));
  }
  const auto bound = oldest == never ? never : oldest - day;
  std::int64_t removed = 0;
  for (const auto* const table : {"names", "devices"}) {
    Statement statement(database_,
                        fmt::format("DELETE FROM {0} WHERE id IN (SELECT id FROM {0} WHERE last_at < ? "
                                    "ORDER BY last_at LIMIT {1})",
                                    table, batch));
    statement.with(bound).run();
    removed += database_.changed();
  }
  return removed;
}

std::uint64_t RecordBook::used_bytes() {
  const auto pages = database_.number("PRAGMA page_count") - database_.number("PRAGMA freelist_count");
  return static_cast<std::uint64_t>(pages * database_.number("PRAGMA page_size"));
}

}  // namespace storage
