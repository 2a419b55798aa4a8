#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "server/api/release_named.hpp"
#include "server/commands/command.hpp"
#include "server/commands/history_table.hpp"
#include "server/os/host_text.hpp"
#include "server/os/terminal.hpp"
#include "server/text/escape.hpp"
#include "server/text/history_json.hpp"
#include "server/text/json.hpp"
#include "server/text/time.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/root.hpp"
#include "storage/history/history_queries.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using storage::DatabaseError;
using storage::HistoryFilter;
using storage::HistoryQueries;

constexpr Flag flags[]{
    {"--client", "ADDR", "of this address only"},
    {"--release", "RELEASE", "of this release only: its path, or any spelling of one that is here"},
    {"--file", "NAME", "of this file only: its name, or its path"},
    {"--since", "WHEN", "from then on: 30m, 2h, 7d, 2026-11-28 or 2026-11-28T02:14, in UTC"},
    {"--broken", "", "transfers that broke off"},
    {"--holders", "", "in place of transfers: who has fetched which file whole, and when last"},
    {"--misses", "", "in place of transfers: requests for what is not there"},
    {"--logins", "", "in place of transfers: logins over SSH, and those that failed"},
    {"--imports", "", "in place of transfers: what became of files in drop/, and retired releases"},
    {"--limit", "N", "the newest N rows; 100"},
    {"--json", "", "print JSON"}};

constexpr std::array lists{"--holders", "--misses", "--logins", "--imports"};
constexpr auto longest_question = 10s;

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) return {};
  return number;
}

// In milliseconds since 1970.
std::int64_t time_of(const std::string& text) {
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  if (const auto time = time_meant(text, now)) return *time;
  throw UsageError(
      fmt::format("--since {}: it is a span such as 30m, 2h, 7d or 2w, or a time in UTC such as "
                  "2026-11-28 or 2026-11-28T02:14",
                  text));
}

std::size_t limit_of(const std::string& text) {
  constexpr std::int64_t most = 10'000'000;
  const auto number = number_of(text);
  if (!number || *number == 0 || *number > most)
    throw UsageError(fmt::format("--limit {}: it is a number from 1 to {}", text, most));
  return static_cast<std::size_t>(*number);
}

// What the lists do not have is refused: it would show too much.
void expect_sense(const Arguments& arguments) {
  const auto chosen = std::ranges::count_if(lists, [&](const char* list) { return arguments.has(list); });
  if (chosen > 1) throw UsageError(fmt::format("only one of {} can be shown", fmt::join(lists, ", ")));
  const auto refuse = [&](const char* flag, const char* list) {
    if (arguments.has(flag) && arguments.has(list)) throw UsageError(fmt::format("{} has no {}", list, flag));
  };
  for (const auto* const list : lists) refuse("--broken", list);
  refuse("--client", "--imports");
  for (const auto* const flag : {"--release", "--file"}) refuse(flag, "--logins");
}

// In the words of the rows.
HistoryFilter filter_of(const Arguments& arguments, const storage::Depot& depot) {
  HistoryFilter filter;
  if (const auto client = arguments.value("--client")) filter.client = escaped(*client);
  if (const auto file = arguments.value("--file")) filter.file = escaped_path(*file);
  if (const auto since = arguments.value("--since")) filter.since = time_of(*since);
  if (const auto limit = arguments.value("--limit")) filter.limit = limit_of(*limit);
  filter.broken = arguments.has("--broken");
  if (const auto release = arguments.value("--release")) {
    const auto path =
        release->starts_with('/') ? *release : find_release(storage::Root(depot.images()), *release).text();
    filter.folder = escaped_path(path.substr(0, path.find_last_not_of('/') + 1));
  }
  return filter;
}

template <class Rows>
void print(const Rows& rows, bool json) {
  if (json) {
    std::vector<std::string> objects;
    for (const auto& row : rows) objects.push_back(json_of(row));
    fmt::print("{}\n", json_list(objects));
    return;
  }
  std::optional<std::size_t> columns;
  if (stdout_is_terminal()) columns = terminal_size().columns;
  for (const auto& line : lines_of(table_of(rows), columns)) fmt::print("{}\n", line);
  if (rows.empty()) fmt::print(stderr, "the history has nothing of this\n");
}

void print(const Arguments& arguments, HistoryQueries& queries, const HistoryFilter& filter) {
  const bool json = arguments.has("--json");
  if (arguments.has("--holders")) return print(queries.holdings(filter), json);
  if (arguments.has("--misses")) return print(queries.misses(filter), json);
  if (arguments.has("--logins")) return print(queries.logins(filter), json);
  if (arguments.has("--imports")) return print(queries.imports(filter), json);
  print(queries.transfers(filter), json);
}

std::runtime_error unreadable(const std::filesystem::path& file, const DatabaseError& error) {
  const auto name = storage::utf8_of(file);
  switch (error.kind()) {
    case DatabaseError::Kind::given_up:
      return std::runtime_error(
          fmt::format("the answer took longer than {} s: ask for less, with --since or --client",
                      longest_question.count()));
    case DatabaseError::Kind::damaged:
      return std::runtime_error(fmt::format(
          "{} is damaged ({}): a server that runs moves it aside when it next writes, and begins a new one; "
          "`sqlite3 {} .recover` prints what can be saved",
          name, error.what(), name));
    case DatabaseError::Kind::empty:
      return std::runtime_error(fmt::format("{}: {}", name, error.what()));
    case DatabaseError::Kind::failed:
      break;
  }
  return std::runtime_error(fmt::format("{} cannot be read: {}; run this as the depot's owner or {}", name,
                                        error.what(), host::as_administrator));
}

void expect_there(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::exists(file, error)) return;
  const auto name = storage::utf8_of(file);
  if (error) throw unreadable(file, DatabaseError(DatabaseError::Kind::failed, error.message()));
  throw std::runtime_error(fmt::format(
      "there is no history: {} is missing; `apdepot serve` writes it, unless history.days is 0", name));
}

int run(Arguments& arguments) {
  arguments.expect_no_more();
  expect_sense(arguments);
  const auto depot = existing_depot(arguments);
  const auto filter = filter_of(arguments, depot);
  const auto file = depot.history();
  expect_there(file);
  try {
    const auto until = std::chrono::steady_clock::now() + longest_question;
    HistoryQueries queries(file, [until] { return std::chrono::steady_clock::now() > until; });
    print(arguments, queries, filter);
  } catch (const DatabaseError& e) {
    throw unreadable(file, e);
  }
  return 0;
}

}  // namespace

const Command history_command{"history", "", "says who has fetched what, and what came of it", flags, run};

}  // namespace server
