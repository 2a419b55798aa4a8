#include "storage/history/history_queries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace storage {
namespace {

// The columns of one list by which it is filtered; empty where it has none.
struct Columns {
  std::string_view time;
  std::string_view file = {}, cause = {}, outcome = {};  // ids of names
  std::vector<std::string_view> searched = {};           // likewise
  bool device = true, id = true;
};

// What follows SELECT ... FROM ... of one list: conditions with their values, the order, the limit.
class Tail {
 public:
  Tail(const HistoryFilter& filter, const Columns& columns) : limit_(filter.limit) {
    const auto& [time, file, cause, outcome, searched, device, id] = columns;
    if (device && filter.client) add("device = (SELECT id FROM devices WHERE text = ?)", *filter.client);
    if (filter.since) add(fmt::format("{} >= ?", time), *filter.since);
    if (filter.until) add(fmt::format("{} < ?", time), *filter.until);
    if (id && filter.after) {
      add(fmt::format("({}, id) < (?, ?)", time), filter.after->at);
      values_.emplace_back(filter.after->id);
    }
    for (const auto& [column, wanted] : {std::pair(cause, filter.cause), std::pair(outcome, filter.outcome)})
      if (!column.empty() && wanted)
        add(fmt::format("{} = (SELECT id FROM names WHERE text = ?)", column), *wanted);
    if (filter.text) add_search(*filter.text, columns);
    if (!file.empty() && filter.folder) {
      add(fmt::format("{} IN (SELECT id FROM names WHERE text >= ? AND text < ?)", file),
          *filter.folder + "/");
      values_.emplace_back(*filter.folder + "0");  // which comes after "/"
    }
    if (!file.empty() && filter.file) {
      // All of it, or what follows a slash.
      add(fmt::format("{} IN (SELECT id FROM names WHERE text = ?", file), *filter.file);
      if (!filter.file->starts_with('/')) {
        text_ += " OR substr(text, -length(?)) = ?";
        values_.insert(values_.end(), 2, "/" + *filter.file);
      }
      text_ += ")";
    }
    order_ = fmt::format(" ORDER BY {} DESC{}", time, id ? ", id DESC" : "");
  }

  void add(std::string_view condition, Statement::Value value) {
    text_ += fmt::format("{}{}", text_.empty() ? " WHERE " : " AND ", condition);
    values_.push_back(std::move(value));
  }

  // The rows that `row` makes, the newest last.
  template <class Row>
  auto rows(Database& database, std::string_view select, Row row) const {
    Statement statement(database, fmt::format("{}{}{} LIMIT {}", select, text_, order_, limit_));
    statement.with();
    for (std::size_t i = 0; i < values_.size(); ++i) statement.bind(static_cast<int>(i) + 1, values_[i]);
    std::vector<decltype(row(statement))> found;
    while (statement.step()) found.push_back(row(statement));
    std::ranges::reverse(found);
    return found;
  }

 private:
  void add_search(const std::string& wanted, const Columns& columns) {
    std::string any;
    const auto look_in = [&](std::string_view column, std::string_view table) {
      any += fmt::format("{}{} IN (SELECT id FROM {} WHERE instr(lower(text), lower(?)) > 0)",
                         any.empty() ? "" : " OR ", column, table);
    };
    if (columns.device) look_in("device", "devices");
    for (const auto column : columns.searched) look_in(column, "names");
    const auto places = columns.searched.size() + (columns.device ? 1 : 0);
    add(fmt::format("({})", any), wanted);
    for (std::size_t i = 1; i < places; ++i) values_.emplace_back(wanted);
  }

  const std::size_t limit_;
  std::string text_, order_;
  std::vector<Statement::Value> values_;
};

std::optional<std::uint64_t> count_or_none(const Statement& row, int column) {
  const auto number = row.number_or_none(column);
  return number ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
}

std::map<std::string, std::int64_t> counts(Statement& row) {
  std::map<std::string, std::int64_t> found;
  while (row.step()) found[row.text(0)] = row.number(1);
  return found;
}

}  // namespace

HistoryQueries::HistoryQueries(const std::filesystem::path& file, Database::Use use,
                               std::function<bool()> over)
    : database_(file, use) {
  database_.give_up_when(std::move(over));
}

HistoryQueries::HistoryQueries(const std::filesystem::path& file, std::function<bool()> over)
    : HistoryQueries(file, Database::Use::read, std::move(over)) {}

HistoryQueries HistoryQueries::of_nothing(std::function<bool()> over) {
  return {":memory:", Database::Use::write, std::move(over)};
}

// Each text is looked up by its id, for the rows that are shown: a join may begin with the wrong table.
std::vector<record::Transfer> HistoryQueries::transfers(const HistoryFilter& filter) {
  Tail tail(filter, {"ended", "file", "cause", "outcome", {"file", "user"}});
  if (filter.broken) tail.add("outcome = (SELECT id FROM names WHERE text = ?)", std::string("broke_off"));
  return tail.rows(
      database_,
      "SELECT started, ended, (SELECT text FROM devices WHERE id = device), (SELECT text FROM names WHERE id "
      "= "
      "protocol), (SELECT text FROM names WHERE id = user), (SELECT text FROM names WHERE id = file), "
      "upload, "
      "size, bytes, (SELECT text FROM names WHERE id = outcome), (SELECT text FROM names WHERE id = cause), "
      "detail, resent, id FROM transfers",
      [](const Statement& row) {
        record::Transfer transfer;
        transfer.started = row.number(0), transfer.ended = row.number(1);
        transfer.client = row.text(2), transfer.protocol = row.text(3), transfer.user = row.text(4);
        transfer.file = row.text(5);
        transfer.upload = row.number(6) != 0;
        transfer.size = count_or_none(row, 7);
        transfer.bytes = static_cast<std::uint64_t>(row.number(8));
        transfer.outcome = row.text(9), transfer.cause = row.text(10), transfer.detail = row.text(11);
        transfer.resent = count_or_none(row, 12);
        transfer.id = row.number(13);
        return transfer;
      });
}

std::vector<record::Holding> HistoryQueries::holdings(const HistoryFilter& filter) {
  return Tail(filter, {.time = "last_at", .file = "file", .searched = {"file"}, .id = false})
      .rows(database_,
            "SELECT (SELECT text FROM devices WHERE id = device), (SELECT text FROM names WHERE id = file), "
            "first_at, last_at, times FROM holdings",
            [](const Statement& row) {
              return record::Holding{row.text(0), row.text(1), row.number(2), row.number(3), row.number(4)};
            });
}

std::vector<record::Miss> HistoryQueries::misses(const HistoryFilter& filter) {
  return Tail(filter, {.time = "last_at", .file = "asked", .cause = "cause", .searched = {"asked"}})
      .rows(
          database_,
          "SELECT last_at, (SELECT text FROM devices WHERE id = device), (SELECT text FROM names WHERE id = "
          "protocol), (SELECT text FROM names WHERE id = cause), (SELECT text FROM names WHERE id = asked), "
          "text, first_at, count, id FROM misses",
          [](const Statement& row) {
            return record::Miss{row.number(0), row.text(1),   row.text(2),   row.text(3),  row.text(4),
                                row.text(5),   row.number(6), row.number(7), row.number(8)};
          });
}

std::vector<record::Login> HistoryQueries::logins(const HistoryFilter& filter) {
  return Tail(filter, {.time = "at", .outcome = "outcome", .searched = {"user"}})
      .rows(database_,
            "SELECT at, (SELECT text FROM devices WHERE id = device), (SELECT text FROM names WHERE id = "
            "user), "
            "(SELECT text FROM names WHERE id = method), (SELECT text FROM names WHERE id = outcome), count, "
            "id "
            "FROM logins",
            [](const Statement& row) {
              return record::Login{row.number(0), row.text(1),   row.text(2),  row.text(3),
                                   row.text(4),   row.number(5), row.number(6)};
            });
}

std::string HistoryQueries::damage() {
  Statement statement(database_, "PRAGMA quick_check(1)");
  auto found = statement.with().step() ? statement.text(0) : "";
  return found == "ok" ? "" : found;
}

std::vector<record::Import> HistoryQueries::imports(const HistoryFilter& filter) {
  return Tail(filter,
              {.time = "at", .file = "file", .outcome = "outcome", .searched = {"file"}, .device = false})
      .rows(
          database_,
          "SELECT at, (SELECT text FROM names WHERE id = file), (SELECT text FROM names WHERE id = outcome), "
          "detail, id FROM imports",
          [](const Statement& row) {
            return record::Import{row.number(0), row.text(1), row.text(2), row.text(3), row.number(4)};
          });
}

std::vector<record::Act> HistoryQueries::acts(const HistoryFilter& filter) {
  if (database_.schema() < 2) return {};
  auto in_subject = filter;
  in_subject.text.reset();
  Tail tail(in_subject, {.time = "at", .device = false});
  if (filter.text) tail.add("instr(lower(subject), lower(?)) > 0", *filter.text);
  return tail.rows(
      database_,
      "SELECT at, (SELECT text FROM names WHERE id = who), (SELECT text FROM names WHERE id = act), "
      "subject, outcome, id FROM acts",
      [](const Statement& row) {
        return record::Act{row.number(0), row.text(1), row.text(2), row.text(3), row.text(4), row.number(5)};
      });
}

std::vector<record::Seen> HistoryQueries::seen(const std::optional<std::string>& address, std::size_t limit) {
  Statement statement(database_, fmt::format("SELECT text, first_at, last_at FROM devices{} ORDER BY last_at "
                                             "DESC LIMIT {}",
                                             address ? " WHERE text = ?" : "", limit));
  statement.with();
  if (address) statement.bind(1, *address);
  std::vector<record::Seen> found;
  while (statement.step()) found.push_back({statement.text(0), statement.number(1), statement.number(2)});
  return found;
}

std::vector<record::Described> HistoryQueries::described() {
  std::vector<record::Described> found;
  if (database_.schema() < 2) return found;
  Statement row(
      database_,
      "SELECT key, at, address, name, site, kind, model, image, running, backup, predownload, listed_at "
      "FROM described ORDER BY key");
  row.with();
  while (row.step())
    found.push_back({row.text(0),
                     row.number(1),
                     row.text(2),
                     row.text(3),
                     row.text(4),
                     row.text(5),
                     row.text(6),
                     row.text(7),
                     row.text(8),
                     row.text(9),
                     row.text(10),
                     row.number_or_none(11),
                     {}});
  return found;
}

std::map<std::string, std::int64_t> HistoryQueries::outcomes_of(const std::string& client, std::size_t most) {
  Statement row(
      database_,
      fmt::format("SELECT (SELECT text FROM names WHERE id = outcome), count(*) FROM (SELECT outcome FROM "
                  "transfers WHERE device = (SELECT id FROM devices WHERE text = ?) ORDER BY ended DESC "
                  "LIMIT {}) GROUP BY outcome",
                  most));
  return counts(row.with(client));
}

std::map<std::string, std::int64_t> HistoryQueries::outcomes_since(std::int64_t time) {
  Statement row(
      database_,
      "SELECT (SELECT text FROM names WHERE id = outcome), count(*) FROM transfers WHERE ended >= ? "
      "GROUP BY outcome");
  return counts(row.with(time));
}

std::int64_t HistoryQueries::misses_since(std::int64_t time) {
  return Statement(database_, "SELECT count(*) FROM misses WHERE last_at >= ?")
      .with(time)
      .number()
      .value_or(0);
}

}  // namespace storage
