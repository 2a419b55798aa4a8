#include "server/api/history.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <ranges>
#include <utility>
#include <vector>

#include "server/api/query.hpp"
#include "server/files/library.hpp"
#include "server/text/history_json.hpp"
#include "server/text/json.hpp"
#include "server/text/time.hpp"

namespace server {
namespace {

namespace record = storage::record;
using http::Reply;
using storage::HistoryFilter;
using storage::HistoryQueries;

constexpr std::size_t most_rows = 1000, most_csv_rows = 10'000, usual_rows = 100;
constexpr std::size_t most_csv = 4 << 20;  // bytes: it waits in memory for its client

using Row = std::vector<std::string>;

std::string count_text(const std::optional<std::uint64_t>& count) {
  return count ? fmt::format("{}", *count) : "";
}

// The columns of a list, and those of one of its rows.
Row heading(const record::Transfer*) {
  return {"ended_at", "started_at", "client",  "protocol", "user",   "direction", "path",
          "size",     "bytes",      "outcome", "cause",    "detail", "resent"};
}
Row row_of(const record::Transfer& e) {
  return {utc_of(e.ended),
          utc_of(e.started),
          e.client,
          e.protocol,
          e.user,
          e.upload ? "write" : "read",
          e.file,
          count_text(e.size),
          fmt::format("{}", e.bytes),
          e.outcome,
          e.cause,
          e.detail,
          count_text(e.resent)};
}
Row heading(const record::Holding*) { return {"last_at", "first_at", "client", "path", "times"}; }
Row row_of(const record::Holding& e) {
  return {utc_of(e.last_at), utc_of(e.first_at), e.client, e.file, fmt::format("{}", e.times)};
}
Row heading(const record::Miss*) {
  return {"last_at", "first_at", "client", "protocol", "cause", "asked", "text", "count"};
}
Row row_of(const record::Miss& e) {
  return {utc_of(e.last_at),         utc_of(e.first_at), e.client, e.protocol, e.cause, e.asked, e.text,
          fmt::format("{}", e.count)};
}
Row heading(const record::Login*) { return {"at", "client", "user", "method", "outcome", "count"}; }
Row row_of(const record::Login& e) {
  return {utc_of(e.at), e.client, e.user, e.method, e.outcome, fmt::format("{}", e.count)};
}
Row heading(const record::Import*) { return {"at", "file", "outcome", "detail"}; }
Row row_of(const record::Import& e) { return {utc_of(e.at), e.file, e.outcome, e.detail}; }
Row heading(const record::Act*) { return {"at", "who", "act", "subject", "outcome"}; }
Row row_of(const record::Act& e) { return {utc_of(e.at), e.who, e.act, e.subject, e.outcome}; }

std::string csv_line(const Row& row) {
  return fmt::format("{}\r\n", fmt::join(row | std::views::transform(csv_field), ","));
}

// Where the next page begins.
template <class Record>
std::string cursor_of(const Record& record) {
  if constexpr (requires { record.ended; }) {
    return fmt::format("{}.{}", record.ended, record.id);
  } else if constexpr (requires {
                         record.id;
                         record.last_at;
                       }) {
    return fmt::format("{}.{}", record.last_at, record.id);
  } else if constexpr (requires { record.id; }) {
    return fmt::format("{}.{}", record.at, record.id);
  } else {
    return {};
  }
}

std::optional<HistoryFilter::Row> cursor_in(const std::string& text) {
  const auto dot = text.find('.');
  if (dot == text.npos) return {};
  HistoryFilter::Row row;
  const auto number = [](std::string_view digits, std::int64_t& to) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), to);
    return error == std::errc{} && end == digits.data() + digits.size();
  };
  const std::string_view all = text;
  if (!number(all.substr(0, dot), row.at) || !number(all.substr(dot + 1), row.id)) return {};
  return row;
}

// Ends early where it gets too long; the header tells what the member `next` does in JSON.
template <class Record>
Reply csv_of(const std::vector<Record>& rows, bool more) {
  auto text = csv_line(heading(static_cast<const Record*>(nullptr)));
  auto row = rows.rbegin();
  for (; row != rows.rend() && text.size() < most_csv; ++row) text += csv_line(row_of(*row));
  text.shrink_to_fit();
  Reply reply{.type = "text/csv; charset=utf-8", .body = std::move(text)};
  const auto next = row != rows.rend() || more ? cursor_of(*std::prev(row)) : "";
  if (!next.empty()) reply.headers.emplace_back("Next", next);
  return reply;
}

// The newest come last, as many as were asked for and one more where there are more.
template <class Record>
Reply reply_of(std::vector<Record> rows, std::size_t limit, bool csv) {
  const bool more = rows.size() > limit;
  if (more) rows.erase(rows.begin());
  if (csv) return csv_of(rows, more);
  std::string items;
  for (const auto& row : std::views::reverse(rows))
    items.append(items.empty() ? "" : ",\n").append(json_of(row));
  const auto next = more ? cursor_of(rows.front()) : "";
  return {200,
          "application/json",
          fmt::format("{{\"items\":[{}],\"next\":{}}}\n", items, next.empty() ? "null" : json_string(next)),
          {}};
}

struct Question {
  std::filesystem::path file;
  std::string list;
  HistoryFilter filter;
  bool csv = false;

  Reply answer() const {
    const auto limit = filter.limit;
    auto one_more = filter;
    ++one_more.limit;
    auto queries = open_history(file);
    const auto rows = [&](auto read) { return reply_of(read(queries), limit, csv); };
    if (list == "transfers") return rows([&](HistoryQueries& all) { return all.transfers(one_more); });
    if (list == "holders") return rows([&](HistoryQueries& all) { return all.holdings(one_more); });
    if (list == "misses") return rows([&](HistoryQueries& all) { return all.misses(one_more); });
    if (list == "logins") return rows([&](HistoryQueries& all) { return all.logins(one_more); });
    if (list == "imports") return rows([&](HistoryQueries& all) { return all.imports(one_more); });
    return rows([&](HistoryQueries& all) { return all.acts(one_more); });
  }
};

// What a list does not have is refused: it would show too much.
std::vector<std::string_view> parameters_of(const std::string& list) {
  if (list == "transfers")
    return {"client", "release", "file", "result", "cause", "since", "until", "q", "limit", "after"};
  if (list == "holders") return {"client", "release", "file", "since", "until", "q", "limit"};
  if (list == "misses")
    return {"client", "release", "file", "cause", "since", "until", "q", "limit", "after"};
  if (list == "logins") return {"client", "result", "since", "until", "q", "limit", "after"};
  if (list == "imports") return {"file", "result", "since", "until", "q", "limit", "after"};
  if (list == "acts") return {"since", "until", "q", "limit", "after"};
  return {};
}

}  // namespace

std::int64_t milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

HistoryQueries open_history(const std::filesystem::path& file) {
  const auto until = std::chrono::steady_clock::now() + longest_question;
  const auto over = [until] { return std::chrono::steady_clock::now() > until; };
  std::error_code unknown;
  if (!std::filesystem::exists(file, unknown)) return HistoryQueries::of_nothing(over);
  try {
    return {file, over};
  } catch (const storage::DatabaseError& error) {
    if (error.kind() == storage::DatabaseError::Kind::empty) return HistoryQueries::of_nothing(over);
    throw;
  }
}

std::string csv_field(const std::string& text) {
  const bool formula =
      !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
  const auto field = formula ? "'" + text : text;
  if (field.find_first_of(",\"\r\n") == field.npos) return field;
  std::string quoted = "\"";
  for (const char each : field) quoted.append(each == '"' ? 2 : 1, each);
  return quoted + "\"";
}

void HistoryApi::offer(http::Router& router) {
  router.add({"GET",
              "/api/v1/history/{}",
              http::Role::viewer,
              false,
              {http::Door::control, http::Door::page},
              [this](const http::Request& request, const std::string& list, http::Respond respond) {
                answer(request, list, std::move(respond));
              }});
}

void HistoryApi::answer(const http::Request& request, const std::string& list, http::Respond respond) {
  const auto known = parameters_of(list);
  if (known.empty())
    return respond(http::problem(404, "not found", fmt::format("{} is not a list of the history", list),
                                 "transfers, holders, misses, logins, imports and acts are"));
  Query query(request.query, known);
  const auto now = milliseconds_now();
  Question question{
      sources_.library.depot.history(), list, {}, request.accept.find("text/csv") != std::string::npos};
  auto& filter = question.filter;
  const auto escaped_text = [&](const char* name) -> std::optional<std::string> {
    const auto text = query.text(name);
    return text ? std::optional(escaped(*text)) : std::nullopt;
  };
  const auto path = [&](const char* name) -> std::optional<std::string> {
    const auto text = query.text(name);
    return text ? std::optional(escaped_path(*text)) : std::nullopt;
  };
  filter.client = escaped_text("client");
  filter.file = path("file");
  filter.folder = path("release");
  if (filter.folder) filter.folder->resize(filter.folder->find_last_not_of('/') + 1);
  filter.outcome =
      list == "transfers" ? query.one_of("result", {"whole", "partly", "broke_off"}) : escaped_text("result");
  filter.cause = escaped_text("cause");
  filter.text = escaped_text("q");
  filter.since = query.time("since", now);
  filter.until = query.time("until", now);
  filter.limit = query.number("limit", usual_rows, 1, question.csv ? most_csv_rows : most_rows);
  if (const auto after = query.text("after")) {
    filter.after = cursor_in(*after);
    if (!filter.after) query.refuse("after is the `next` of the answer before");
  }
  if (!query.fault().empty()) return respond(http::safe_problem(400, "bad request", query.fault()));
  desk_.answer(asker_of(request), std::move(respond),
               [question = std::move(question)] { return question.answer(); });
}

}  // namespace server
