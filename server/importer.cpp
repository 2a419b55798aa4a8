#include "server/importer.hpp"

#include <algorithm>
#include <filesystem>

#include "server/escape.hpp"
#include "storage/digest_file.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

// A writer that leaves its file open, or whose closing we do not see (SMB), gets more time.
constexpr auto settle_unseen = 10s;
// Nothing tells of files that another host writes to a shared drop/.
constexpr auto look_again = 60s;
// After the depot failed (a full disk, most likely).
constexpr auto depot_pause = 60s;
// After the file was touched in the meantime.
constexpr auto file_pause = 1s;

constexpr auto tell_every = 5s;

storage::DropFolder::Time now() { return std::chrono::steady_clock::now(); }

struct Lying {
  std::string name;
  std::chrono::seconds age;  // since it was last written
};

std::vector<Lying> files_in(const std::filesystem::path& folder) {
  std::vector<Lying> files;
  std::error_code error;
  for (std::filesystem::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    const auto written = i->last_write_time(error);
    const auto age = std::filesystem::file_time_type::clock::now() - written;
    files.push_back(
        {i->path().filename().string(), error ? 0s : std::chrono::duration_cast<std::chrono::seconds>(age)});
  }
  return files;
}

}  // namespace

Importer::Importer(Shared& shared)
    : shared_(shared),
      settings_(shared.settings->import),
      folder_(settings_.settle, std::max<std::chrono::seconds>(settle_unseen, settings_.settle)),
      watch_(shared.loop, shared.depot.drop()),
      progress_timer_(shared.loop) {}

net::awaitable<void> Importer::run() {
  co_await look_around();
  while (!stopping_) {
    for (auto& name : folder_.take_ready(now())) {
      if (!stopping_) co_await import(std::move(name));
    }
    const auto next_look = now() + look_again;
    const auto changes = co_await watch_.next(std::min(folder_.deadline().value_or(next_look), next_look));
    if (changes.empty() && now() >= next_look && !stopping_) co_await look_around();
    for (const auto& change : changes) {
      if (change.kind == DropChange::Kind::everything) {
        co_await look_around();
      } else {
        note(change);
      }
    }
  }
}

void Importer::stop() {
  stopping_ = true;
  watch_.stop();
}

void Importer::note(const DropChange& change) {
  switch (change.kind) {
    case DropChange::Kind::written:
      return folder_.changed(change.name, now());
    case DropChange::Kind::closed:
      return folder_.closed(change.name, now());
    case DropChange::Kind::gone:
      ignored_.erase(change.name);
      return folder_.gone(change.name);
    case DropChange::Kind::everything:
      break;
  }
}

// What lies in drop/ and was not seen to arrive: it has lain still since it was last written.
net::awaitable<void> Importer::look_around() {
  const auto list = [folder = shared_.depot.drop()] { return files_in(folder); };
  for (const auto& lying : co_await shared_.disk.run(list)) {
    folder_.changed(lying.name, now() - std::clamp<std::chrono::seconds>(lying.age, 0s, 1h));
  }
}

net::awaitable<void> Importer::import(std::string name) {
  const auto examine = [&depot = shared_.depot, name] { return storage::kind_of_drop(depot, name); };
  const auto kind = co_await shared_.disk.run(examine);
  if (kind == storage::DropKind::gone) co_return;
  if (kind ==
      storage::DropKind::being_written) {  // a writer that pauses: its closing, or another while, will tell
    folder_.changed(name, now());
    co_return;
  }
  if (kind == storage::DropKind::not_a_file) {
    if (ignored_.insert(name).second) shared_.events.emit(event::DropIgnored{name});
    co_return;
  }
  if (!storage::is_digest_file(name)) {
    shared_.events.emit(event::ImportStarted{name});
    how_far_ = std::make_shared<HowFar>();
    tell_progress(name);
  }
  const auto began = now();
  const auto work = [this, name] { return import_now(name); };
  const auto outcome = co_await shared_.importing.run(work);
  how_far_.reset();
  progress_timer_.cancel();
  const std::chrono::duration<double> took = now() - began;
  tell(name, outcome, took.count());
}

void Importer::tell_progress(const std::string& name) {
  progress_timer_.expires_after(tell_every);
  progress_timer_.async_wait([this, name, how_far = how_far_](error_code error) {
    if (error || how_far != how_far_) return;  // the import may have ended while this waited for its turn
    shared_.events.emit(event::ImportProgress{name, how_far->done, how_far->total});
    tell_progress(name);
  });
}

void Importer::tell(const std::string& name, const Outcome& outcome, double seconds) {
  if (const auto* done = std::get_if<Done>(&outcome)) {
    tell(name, *done, seconds);
  } else if (const auto* compared = std::get_if<Compared>(&outcome)) {
    tell(name, *compared);
  } else if (const auto* refused = std::get_if<Refused>(&outcome)) {
    shared_.events.emit(event::ImportRejected{name, refused->reason, refused->moved_to});
  } else {
    const auto& failed = std::get<Failed>(outcome);
    shared_.events.emit(event::ImportFailed{name, failed.problem});
    folder_.closed(name, now() + failed.pause);
  }
}

void Importer::tell(const std::string& name, const Done& done, double seconds) {
  shared_.events.emit(event::Published{name, done.imported, seconds});
  for (const auto& [path, to] : done.retired) shared_.events.emit(event::Retired{path, to, settings_.keep});
  for (const auto& problem : done.problems) shared_.events.emit(event::Warned{problem});
  if (done.left_over.empty()) return;
  shared_.events.emit(event::Warned{"it is published, but stays in drop/: " + done.left_over});
}

void Importer::tell(const std::string& name, const Compared& compared) {
  for (const auto& digest : compared.digests) shared_.events.emit(event::DigestCompared{digest});
  if (compared.digests.empty() && ignored_.insert(name).second) shared_.events.emit(event::DigestWaits{name});
}

Importer::Outcome Importer::import_now(const std::string& name) const {
  try {
    const auto digest_files = storage::digest_files_about(shared_.depot, name);
    try {
      if (storage::is_digest_file(name)) return Compared{storage::compare_digests(shared_.depot, name)};
      return publish_now(name, digest_files);
    } catch (const storage::Rejected& e) {
      const auto moved_to = storage::reject_drop(shared_.depot, name, escaped(e.what(), most_of_archive));
      storage::take_away(shared_.depot, digest_files, name, storage::Fate::rejected);
      return Refused{e.what(), "rejected/" + moved_to.filename().string()};
    }
  } catch (const std::system_error& e) {
    const bool touched = e.code() == std::errc::resource_unavailable_try_again;
    return Failed{e.what(), touched ? file_pause : depot_pause};
  } catch (const std::exception& e) {
    return Failed{e.what(), depot_pause};
  }
}

Importer::Outcome Importer::publish_now(const std::string& name,
                                        const std::vector<std::string>& digest_files) const {
  const storage::ImportOrder order{.progress = [how_far = how_far_](std::uint64_t done, std::uint64_t total) {
    how_far->done = done;
    how_far->total = total;
  }};
  Done done{storage::import_bundle(shared_.depot, shared_.depot.drop() / name, settings_, order), {}, {}, {}};
  done.retired = storage::retire_oldest(shared_.depot, done.imported.path, settings_.keep, done.problems);
  try {
    take_away(name, done.imported);
    storage::take_away(shared_.depot, digest_files, name, storage::Fate::published);
  } catch (const std::exception& e) {
    done.left_over = e.what();
  }
  return done;
}

// A second copy of a bundle is not worth keeping.
void Importer::take_away(const std::string& name, const storage::Imported& imported) const {
  if (settings_.keep_bundles && !imported.already_there) {
    storage::keep_drop(shared_.depot, name);
  } else {
    storage::remove_drop(shared_.depot, name);
  }
}

}  // namespace server
