#include "storage/history/history_queries.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace storage {
namespace {

// What follows SELECT ... FROM ... of one list: conditions with their values, the order, the limit.
class Tail {
 public:
  // `time` and `file` are the columns of the list; empty where it has none.
  Tail(const HistoryFilter& filter, std::string_view time, std::string_view file) : limit_(filter.limit) {
    if (filter.client) add("device = (SELECT id FROM devices WHERE text = ?)", *filter.client);
    if (filter.since) add(fmt::format("{} >= ?", time), *filter.since);
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
    order_ = fmt::format(" ORDER BY {} DESC", time);
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
  const std::size_t limit_;
  std::string text_, order_;
  std::vector<Statement::Value> values_;
};

std::optional<std::uint64_t> count_or_none(const Statement& row, int column) {
  const auto number = row.number_or_none(column);
  return number ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
}

}  // namespace

HistoryQueries::HistoryQueries(const std::filesystem::path& file, std::function<bool()> over)
    : database_(file, Database::Use::read) {
  database_.give_up_when(std::move(over));
}

// Each text is looked up by its id, for the rows that are shown: a join may begin with the wrong table.
std::vector<record::Transfer> HistoryQueries::transfers(const HistoryFilter& filter) {
  Tail tail(filter, "ended", "file");
  if (filter.broken) tail.add("outcome = (SELECT id FROM names WHERE text = ?)", std::string("broke_off"));
  return tail.rows(
      database_,
      "SELECT started, ended, (SELECT text FROM devices WHERE id = device), (SELECT text FROM names WHERE id "
      "= "
      "protocol), (SELECT text FROM names WHERE id = user), (SELECT text FROM names WHERE id = file), "
      "upload, "
      "size, bytes, (SELECT text FROM names WHERE id = outcome), (SELECT text FROM names WHERE id = cause), "
      "detail, resent FROM transfers",
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
        return transfer;
      });
}

std::vector<record::Holding> HistoryQueries::holdings(const HistoryFilter& filter) {
  return Tail(filter, "last_at", "file")
      .rows(database_,
            "SELECT (SELECT text FROM devices WHERE id = device), (SELECT text FROM names WHERE id = file), "
            "first_at, last_at, times FROM holdings",
            [](const Statement& row) {
              return record::Holding{row.text(0), row.text(1), row.number(2), row.number(3), row.number(4)};
            });
}

std::vector<record::Miss> HistoryQueries::misses(const HistoryFilter& filter) {
  return Tail(filter, "last_at", "asked")
      .rows(
          database_,
          "SELECT last_at, (SELECT text FROM devices WHERE id = device), (SELECT text FROM names WHERE id = "
          "protocol), (SELECT text FROM names WHERE id = cause), (SELECT text FROM names WHERE id = asked), "
          "text, first_at, count FROM misses",
          [](const Statement& row) {
            return record::Miss{row.number(0), row.text(1), row.text(2),   row.text(3),
                                row.text(4),   row.text(5), row.number(6), row.number(7)};
          });
}

std::vector<record::Login> HistoryQueries::logins(const HistoryFilter& filter) {
  return Tail(filter, "at", "")
      .rows(database_,
            "SELECT at, (SELECT text FROM devices WHERE id = device), (SELECT text FROM names WHERE id = "
            "user), "
            "(SELECT text FROM names WHERE id = method), (SELECT text FROM names WHERE id = outcome), count "
            "FROM "
            "logins",
            [](const Statement& row) {
              return record::Login{row.number(0), row.text(1), row.text(2),
                                   row.text(3),   row.text(4), row.number(5)};
            });
}

std::vector<std::pair<std::string, std::int64_t>> HistoryQueries::devices(std::size_t limit) {
  Statement statement(database_, "SELECT text, last_at FROM devices ORDER BY last_at DESC LIMIT ?");
  statement.with(limit);
  std::vector<std::pair<std::string, std::int64_t>> found;
  while (statement.step()) found.emplace_back(statement.text(0), statement.number(1));
  return found;
}

std::string HistoryQueries::damage() {
  Statement statement(database_, "PRAGMA quick_check(1)");
  auto found = statement.with().step() ? statement.text(0) : "";
  return found == "ok" ? "" : found;
}

std::vector<record::Import> HistoryQueries::imports(const HistoryFilter& filter) {
  return Tail(filter, "at", "file")
      .rows(
          database_,
          "SELECT at, (SELECT text FROM names WHERE id = file), (SELECT text FROM names WHERE id = outcome), "
          "detail FROM imports",
          [](const Statement& row) {
            return record::Import{row.number(0), row.text(1), row.text(2), row.text(3)};
          });
}

}  // namespace storage
