#include "server/drop/importer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <iterator>
#include <new>
#include <set>
#include <stdexcept>
#include <system_error>

#include "server/events/events.hpp"
#include "server/events/import.hpp"
#include "server/events/warning.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/succeeds.hpp"
#include "server/loop/workers.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/import/digest_file.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

// A writer that leaves its file open, or whose closing we do not see (SMB), gets more time.
constexpr auto settle_unseen = 10s;
// Nothing tells of files that another host writes to a shared drop/.
constexpr auto look_every = 60s;
// After the depot failed (a full disk, most likely).
constexpr auto depot_pause = 60s;
// After the file was touched in the meantime.
constexpr auto file_pause = 1s;

// While another server imports.
constexpr auto lock_pause = 5s;

constexpr auto tell_every = 5s;

storage::DropFolder::Time now() { return std::chrono::steady_clock::now(); }

// Since it was last written.
std::chrono::seconds age_of(const std::filesystem::path& entry) {
  const auto written = storage::last_written(entry);
  if (!written) return 0s;
  const auto age = std::chrono::system_clock::now().time_since_epoch() - std::chrono::nanoseconds(*written);
  return std::clamp<std::chrono::seconds>(std::chrono::duration_cast<std::chrono::seconds>(age), 0s, 1h);
}

std::string problem_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::bad_alloc&) {
    return out_of_memory;
  } catch (const std::exception& e) {
    return e.what();
  }
}

}  // namespace

Importer::Importer(net::io_context& loop, Lanes& lanes, Events& events, const storage::Depot& depot,
                   const conf::Import& settings)
    : lanes_(lanes),
      events_(events),
      depot_(depot),
      settings_(settings),
      folder_(settings_.settle, std::max<std::chrono::seconds>(settle_unseen, settings_.settle)),
      watch_(loop, depot.drop()),
      progress_timer_(loop),
      pause_(loop),
      judge_(depot, settings_) {}

// Nothing that it does after a failure takes memory that there may not be.
net::awaitable<void> Importer::run() {
  while (!stopping_) {
    std::exception_ptr failure;
    try {
      co_await go_on();
      continue;
    } catch (const std::exception&) {
      failure = std::current_exception();
    }
    succeeds([&] {
      events_.warn_rarely(Warning::drop_folder,
                          "the drop folder's import goes on after a failure: " + problem_of(failure));
    });
    next_look_ = {};  // what was to be done may be forgotten
    co_await pause_.wait(file_pause);
  }
}

// Two servers that import one drop would take its files away from each other.
net::awaitable<void> Importer::hold_drop() {
  const auto lock = [&depot = depot_] { return storage::hold_drop(depot); };
  for (bool told = false; !stopping_ && !drop_lock_; told = true) {
    drop_lock_ = co_await lanes_.disk.run(lock);
    if (drop_lock_) {
      next_look_ = {};
      co_return;
    }
    if (!told)
      events_.warn(Warning::drop_folder,
                   "another server imports what is put into drop/ of this depot: this one begins when that "
                   "one has ended");
    co_await pause_.wait(lock_pause);
  }
}

// One round: what is due, and then what happens next.
net::awaitable<void> Importer::go_on() {
  if (!drop_lock_) co_await hold_drop();
  if (stopping_) co_return;
  if (now() >= next_look_) co_await look_around();
  judge_.begin_round();
  for (auto& name : folder_.take_ready(now())) {
    if (!stopping_) co_await import(std::move(name));
  }
  if (stopping_) co_return;
  const auto changes = co_await watch_.next(std::min(folder_.deadline().value_or(next_look_), next_look_));
  for (const auto& change : changes) {
    if (change.kind == DropChange::Kind::everything) {
      next_look_ = {};
    } else {
      note(change);
    }
  }
}

void Importer::stop() {
  stopping_ = true;
  watch_.stop();
  pause_.end();
}

void Importer::note(const DropChange& change) {
  switch (change.kind) {
    case DropChange::Kind::written:
      return folder_.changed(change.name, now());
    case DropChange::Kind::closed:
      return folder_.closed(change.name, now());
    case DropChange::Kind::gone:
      ignored_.erase(change.name);
      left_.erase(change.name);
      return folder_.gone(change.name);
    case DropChange::Kind::unwatched:
      return events_.warn(
          Warning::drop_folder,
          fmt::format(
              "drop/ cannot be watched: {}; until it can be, it is looked through once a minute: make the "
              "folder, give this user the right to read it, or raise fs.inotify.max_user_watches",
              change.why.message()));
    case DropChange::Kind::everything:
      break;
  }
}

net::awaitable<void> Importer::look_around() {
  const auto look = [this] { return look_now(); };
  const auto seen = co_await lanes_.importing.run(look);
  next_look_ = now() + look_every;
  if (seen.unreadable) {
    events_.warn_rarely(
        Warning::drop_folder,
        fmt::format("drop/ cannot be read: {}; make the folder, or give this user the right to read it",
                    seen.unreadable.message()));
  }
  if (seen.waiting > 0 && !is_crowded_) {
    events_.warn_rarely(
        Warning::drop_folder,
        fmt::format(
            "drop/ holds more than the {} files that are looked at in a minute: {} wait for their turn",
            storage::DropFolder::most_names, seen.waiting));
  }
  is_crowded_ = seen.waiting > 0;
  const bool full = is_full();
  if (full && !was_full_) {
    events_.warn(
        Warning::drop_folder,
        fmt::format("drop/ holds {} entries that stay there: no others are looked for, and only what is "
                    "seen to arrive is imported; take out what the log says is left alone or waits",
                    most_remembered));
  }
  was_full_ = full;
}

net::awaitable<void> Importer::import(std::string name) {
  std::exception_ptr failure;
  try {
    co_await judge(name);
    co_return;
  } catch (const std::exception&) {
    failure = std::current_exception();
  }
  progress_.reset();
  progress_timer_.cancel();
  tell(name, DropJudge::Failed{problem_of(failure)}, 0);
}

net::awaitable<void> Importer::judge(std::string name) {
  const auto at = left_.find(name);
  const auto left = at == left_.end() ? std::nullopt : std::optional(at->second.left);
  const auto look = [this, name, left] { return judge_.examine(name, left); };
  const auto seen = co_await lanes_.importing.run(look);
  if (seen.left || seen.kind == storage::DropKind::gone) co_return;
  left_.erase(name);
  if (seen.kind ==
      storage::DropKind::being_written) {  // a writer that pauses: its closing, or another while, will tell
    folder_.changed(name, now());
    co_return;
  }
  if (seen.kind == storage::DropKind::not_a_file) {
    if (is_first_time(name)) events_.emit(event::DropIgnored{name});
    co_return;
  }
  if (!storage::is_digest_file(name)) {
    progress_ = std::make_shared<DropJudge::Progress>();
    events_.emit(event::ImportStarted{name});
    tell_progress(name);
  }
  const auto began = now();
  const auto work = [this, name, progress = progress_] { return judge_.judge(name, progress); };
  const auto outcome = co_await lanes_.importing.run(work);
  progress_.reset();
  progress_timer_.cancel();
  const std::chrono::duration<double> took = now() - began;
  tell(name, outcome, took.count());
}

void Importer::tell_progress(const std::string& name) {
  progress_timer_.expires_after(tell_every);
  progress_timer_.async_wait([this, name, progress = progress_](error_code error) {
    if (error || progress != progress_) return;  // the import may have ended while this waited for its turn
    events_.emit(event::ImportProgress{name, progress->done, progress->total});
    tell_progress(name);
  });
}

void Importer::tell(const std::string& name, const DropJudge::Outcome& outcome, double seconds) {
  if (const auto* done = std::get_if<DropJudge::Done>(&outcome)) {
    tell(name, *done, seconds);
  } else if (const auto* compared = std::get_if<DropJudge::Compared>(&outcome)) {
    tell(name, *compared);
  } else if (const auto* refused = std::get_if<DropJudge::Refused>(&outcome)) {
    tell(name, *refused);
  } else if (const auto* failed = std::get_if<DropJudge::Failed>(&outcome)) {
    tell(name, *failed);
  } else {
    const bool replaced = std::holds_alternative<DropJudge::Replaced>(outcome);
    if (replaced) folder_.closed(name, now() + file_pause);
    if (!storage::is_digest_file(name)) events_.emit(event::ImportGone{name, replaced});
  }
}

void Importer::tell(const std::string& name, const DropJudge::Done& done, double seconds) {
  if (done.left) remember(name, *done.left);
  if (!done.taken && !done.left) folder_.closed(name, now() + file_pause);
  events_.emit(event::Published{name, done.what.imported, seconds});
  for (const auto& [path, to] : done.what.retired) events_.emit(event::Retired{path, to, settings_.keep});
  for (const auto& problem : done.what.problems) events_.warn(Warning::imported, problem);
  if (!done.left_over.empty()) events_.warn(Warning::imported, done.left_over);
}

void Importer::tell(const std::string& name, const DropJudge::Refused& refused) {
  events_.emit(event::ImportRejected{name, refused.reason, refused.moved_to});
  if (!refused.left_over.empty()) events_.warn(Warning::drop_folder, refused.left_over);
}

void Importer::tell(const std::string& name, const DropJudge::Compared& compared) {
  remember(name, compared.left);  // where it was taken away, it is forgotten as soon as its going is seen
  for (const auto& digest : compared.digests) events_.emit(event::DigestCompared{digest});
  if (compared.digests.empty() && is_first_time(name)) events_.emit(event::DigestWaits{name});
}

void Importer::tell(const std::string& name, const DropJudge::Failed& failed) {
  if (failed.left) {
    remember(name, *failed.left);
  } else {
    folder_.closed(name, now() + (failed.touched ? file_pause : depot_pause));
  }
  events_.emit(event::ImportFailed{name, failed.problem});
}

void Importer::remember(const std::string& name, const DropJudge::Left& left) {
  if (left_.contains(name) || !is_full()) left_[name] = {left};
}

// False also where it could not be remembered that it was told.
bool Importer::is_first_time(const std::string& name) {
  return !is_full() && ignored_.try_emplace(name, looks_).second;
}

// Whether it was told of before, and is known to lie there still.
bool Importer::lies_on(const std::string& name) {
  const auto left = left_.find(name);
  const auto ignored = ignored_.find(name);
  if (left != left_.end()) left->second.seen = looks_;
  if (ignored != ignored_.end()) ignored->second = looks_;
  return left != left_.end() || ignored != ignored_.end();
}

// Finds the files in drop/ whose arrival nothing told of: they have lain still since they were last written.
// Of too many, those never told of come first, and each has its turn at a later look.
Importer::Look Importer::look_now() {
  struct Place {
    bool told, had_its_turn;
    std::string name;
    auto operator<=>(const Place&) const = default;
  };
  std::set<Place> chosen;
  Look look;
  const bool full = is_full();
  ++looks_;
  storage::FolderReader reader(depot_.drop(), look.unreadable);
  while (const auto entry = reader.next()) {
    const auto& name = entry->name;
    const bool was_told = lies_on(name);
    if (storage::is_in_the_making(name) || (full && !was_told)) continue;
    ++look.waiting;
    chosen.insert({was_told, name <= last_looked_at_, name});
    if (chosen.size() > storage::DropFolder::most_names) chosen.erase(std::prev(chosen.end()));
  }
  if (!look.unreadable) {
    std::erase_if(left_, [this](const auto& each) { return each.second.seen != looks_; });
    std::erase_if(ignored_, [this](const auto& each) { return each.second != looks_; });
  }
  const auto at = now();
  for (const auto& place : chosen) {
    if (!folder_.found(place.name, at - age_of(depot_.drop() / storage::path_of(place.name)))) continue;
    last_looked_at_ = place.name;
    --look.waiting;
  }
  return look;
}

}  // namespace server
