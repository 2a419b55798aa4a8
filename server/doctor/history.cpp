#include "server/doctor/history.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "conf/settings.hpp"
#include "server/doctor/check.hpp"
#include "server/os/host_text.hpp"
#include "server/text/escape.hpp"
#include "storage/files/path_text.hpp"
#include "storage/history/history_queries.hpp"

namespace server::doctor {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto patience = 20s;

void look_into(const fs::path& file, bool quick, HistoryReading& reading) try {
  const auto until = std::chrono::steady_clock::now() + patience;
  storage::HistoryQueries queries(file, [until] { return std::chrono::steady_clock::now() > until; });
  reading.checked = !quick;
  if (!quick) reading.damage = queries.damage();
} catch (const storage::DatabaseError& e) {
  using Kind = storage::DatabaseError::Kind;
  if (e.kind() == Kind::damaged) reading.damage = e.what();
  if (e.kind() == Kind::failed) reading.unreadable = e.what();
  if (e.kind() == Kind::given_up) reading.checked = false;
}

Result run(const Sight& sight) {
  HistoryReading reading;
  const auto file = sight.depot->history();
  std::error_code error;
  reading.kept = sight.settings->history.days > 0;
  reading.there = fs::exists(file, error);
  if (error) reading.unreadable = error.message();
  if (reading.there) look_into(file, sight.quick, reading);
  auto aside = file;
  aside += ".broken";
  if (fs::exists(aside, error)) reading.aside = storage::utf8_of(aside);
  if (sight.server.server) reading.server_warnings = sight.server.server->history_warnings;
  return judge_history(reading);
}

}  // namespace

Result judge_history(const HistoryReading& reading) {
  Result result;
  if (!reading.damage.empty())
    result.fails(
        fmt::format("state/history.db is damaged: {}", escaped(reading.damage, most_of_ours)),
        fmt::format("{} moves it aside; `sqlite3 history.db.broken .recover` prints what can be saved",
                    host::restart));
  if (!reading.unreadable.empty())
    result.unknown(
        fmt::format("state/history.db cannot be read: {}", escaped(reading.unreadable, most_of_ours)));
  if (reading.server_warnings.value_or(0) > 0)
    result.look(fmt::format("the server has warned {} times since its start that the history lacks rows, or "
                            "cannot be written",
                            *reading.server_warnings),
                host::log_of_history);
  if (reading.aside)
    result.look("a damaged history was moved aside: what it holds is in no answer of `apdepot history`",
                fmt::format("sqlite3 {0} .recover, and then rm {0}", escaped(*reading.aside, whole)));
  if (!reading.kept) return std::move(result).or_ok("none is kept: history.days is 0");
  if (!reading.there) return std::move(result).or_ok("nothing has happened yet");
  return std::move(result).or_ok(reading.checked ? "whole"
                                                 : "can be read; --quick, or its size, kept it from being "
                                                   "looked through");
}

const Check history_check{"history", "history", nullptr, run, true};

}  // namespace server::doctor
