#include "server/api/imports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "server/events/event.hpp"
#include "server/events/import.hpp"
#include "server/files/library.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "server/text/time.hpp"
#include "storage/files/root.hpp"
#include "storage/import/dropped_file.hpp"

namespace server {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 6> state_words{"running",  "published", "already_there",
                                                      "rejected", "failed",    "gone"};
constexpr std::size_t most_files = 100;  // of a folder
constexpr std::size_t most_counted = 10'000;
constexpr std::int64_t nanoseconds_each = 1'000'000;  // millisecond

std::string_view word(Imports::State state) { return state_words.at(static_cast<std::size_t>(state)); }

// What the importer does at it.
std::string_view step_of(const Imports::Row& row) {
  switch (row.state) {
    case Imports::State::running:
      return row.total > 0 && row.done >= row.total ? "publishing" : "unpacking and checking";
    case Imports::State::published:
    case Imports::State::already_there:
      return "done";
    case Imports::State::rejected:
      return "rejected";
    case Imports::State::failed:
      return "waits to be tried again";
    case Imports::State::gone:
      break;
  }
  return "taken away";
}

// A folder of the depot, with the reasons that lie beside its files.
std::string folder_json(const storage::Depot& depot, const fs::path& folder, bool reasons) {
  std::size_t all = 0;
  std::vector<std::string> values;
  const auto root = storage::Root::open(folder);
  auto directory = root ? root->open_directory(storage::Path()) : std::unexpected(root.error());
  while (directory && all < most_counted) {
    const auto some = directory->read(most_counted);
    if (!some || some->empty()) break;
    for (const auto& [name, attributes] : *some) {
      if (name.starts_with('.') || storage::is_reason(name) || ++all > most_files) continue;
      JsonObject object;
      object.add("file", name);
      object.add("size", attributes.size);
      object.add_safe("at", utc_of(attributes.version.changed / nanoseconds_each));
      if (reasons) object.add("reason", storage::reason_of_rejected(depot, name), most_of_ours);
      values.push_back(object.text());
    }
  }
  return fmt::format("{{\"items\":{},\"total\":{}}}", json_list(values), all);
}

}  // namespace

Imports::Row& Imports::row_of(const std::string& file, Clock::time_point now) {
  const auto same = [&](const Row& row) { return row.file == file && row.state == State::running; };
  const auto found = std::ranges::find_if(rows_, same);
  if (found != rows_.end()) return *found;
  if (rows_.size() == most) rows_.pop_back();
  rows_.push_front({.file = file, .began = now, .at = now, .path = {}, .reason = {}, .moved_to = {}});
  return rows_.front();
}

void Imports::end(const std::string& file, State state, Clock::time_point now, std::string path,
                  std::string reason, std::string moved_to) {
  auto& row = row_of(file, now);
  row.state = state, row.at = now;
  row.path = std::move(path), row.reason = std::move(reason), row.moved_to = std::move(moved_to);
  if (state == State::published) last_success_ = now;
  // One that failed before, and is tried again by itself, is one row.
  const auto is_older = [&](const Row& each) {
    return &each != &row && each.file == file && each.state == State::failed;
  };
  std::erase_if(rows_, is_older);
}

void Imports::note(const Event& event, Clock::time_point now) {
  using namespace event;
  if (const auto* began = event.get_if<ImportStarted>()) row_of(began->file, now);
  if (const auto* far = event.get_if<ImportProgress>()) {
    auto& row = row_of(far->file, now);
    row.done = far->done, row.total = far->total, row.at = now;
  }
  if (const auto* done = event.get_if<Published>())
    end(done->file, done->imported.already_there ? State::already_there : State::published, now,
        done->imported.path, {}, {});
  if (const auto* refused = event.get_if<ImportRejected>())
    end(refused->file, State::rejected, now, {}, refused->reason, refused->moved_to);
  if (const auto* failed = event.get_if<ImportFailed>())
    end(failed->file, State::failed, now, {}, failed->reason, {});
  if (const auto* gone = event.get_if<ImportGone>())
    end(gone->file, State::gone, now, {}, gone->replaced ? "another file took its place" : "", {});
}

std::vector<Imports::Row> Imports::rejected_since(Clock::time_point time) const {
  std::vector<Row> rejected;
  for (const auto& row : rows_)
    if (row.state == State::rejected && row.at >= time) rejected.push_back(row);
  return rejected;
}

std::string to_json(const Imports::Row& row) {
  JsonObject object;
  object.add("file", row.file);
  object.add_safe("state", word(row.state));
  object.add_safe("step", step_of(row));
  const bool known = row.state == Imports::State::running && row.total > 0;
  object.add_raw("percent", known
                                ? fmt::format("{}", std::min<std::uint64_t>(100, row.done * 100 / row.total))
                                : "null");
  object.add("done", row.done);
  object.add("total", row.total);
  object.add_safe("started_at", utc(row.began));
  object.add_safe("at", utc(row.at));
  object.add_raw("path", row.path.empty() ? "null" : json_string(escaped_path(row.path)));
  object.add("reason", row.reason, most_of_archive);
  object.add("moved_to", row.moved_to);
  return object.text();
}

void ImportsApi::offer(http::Router& router) {
  router.add({"GET",
              "/api/v1/imports",
              http::Role::viewer,
              false,
              {http::Door::control, http::Door::page},
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                answer(request, std::move(respond));
              }});
}

void ImportsApi::answer(const http::Request& request, http::Respond respond) {
  desk_.answer(
      asker_of(request), std::move(respond), [rows = imports_.rows(), &depot = sources_.library.depot] {
        std::vector<std::string> values;
        for (const auto& row : rows) values.push_back(to_json(row));
        return http::Reply{.body = fmt::format("{{\"items\":{},\"next\":null,\"drop\":{},\"rejected\":{}}}\n",
                                               json_list(values), folder_json(depot, depot.drop(), false),
                                               folder_json(depot, depot.rejected(), true))};
      });
}

}  // namespace server
