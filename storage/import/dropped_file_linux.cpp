#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>

#include "storage/depot/depot.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/durable_linux.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/one_line.hpp"
#include "storage/files/own_folder.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/import/dropped_file.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

// NAME.999.reason.txt must fit into the 255 bytes of a file name.
constexpr std::size_t longest_rejected = 230;
constexpr auto in_drop =
    ".taken";  // for a drop/ on a file system of its own; a hidden name is never imported

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

std::int64_t written(const struct stat& status) {
  return status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
}

std::int64_t written(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? written(status) : 0;
}

bool is_taken(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

// Both names are free. That only saves a retry: what never overwrites is rename_new.
fs::path free_name(const fs::path& directory, const std::string& name) {
  const std::string stem = name.substr(0, longest_rejected);
  fs::path candidate = directory / stem;
  for (int n = 2; is_taken(candidate) || is_taken(reason_beside(candidate)); ++n)
    candidate = directory / fmt::format("{}.{}", stem, n);
  return candidate;
}

// "b.2.zip" for "b.zip": by its ending a file is known for what it is.
std::string numbered(const std::string& name, int number) {
  const fs::path path(name);
  return fmt::format("{}.{}{}", path.stem().string().substr(0, longest_rejected), number,
                     path.extension().string());
}

// `taken` is a name in the folder of this handle, or a whole path.
void give_back(int folder, const fs::path& taken, const fs::path& drop) {
  const auto name = taken.filename().string();
  auto place = drop / name;
  for (int n = 2; rename_new(folder, taken.c_str(), AT_FDCWD, place.c_str()) != 0; ++n) {
    if (errno != EEXIST) fail(errno, "cannot move " + taken.string() + " back to " + drop.string());
    place = drop / numbered(name, n);
  }
  sync_directory(drop);
}

// A folder of this process alone, in which one entry of drop/ lies under its own name; told by a lock from
// what a killed one left. What still lies there at the end goes back.
class TakenEntry {
 public:
  TakenEntry(const fs::path& parent, const fs::path& drop) : drop_(drop), folder_(make_folder(parent)) {
    lock_.emplace(folder_);
  }
  TakenEntry(const TakenEntry&) = delete;
  TakenEntry& operator=(const TakenEntry&) = delete;
  ~TakenEntry() {
    try {
      if (!entry_.empty() && is_taken(entry_)) give_back(AT_FDCWD, entry_, drop_);
    } catch (const std::exception&) {
      return;  // it goes back at the next start
    }
    ::rmdir(folder_.c_str());
  }

  // By one rename everywhere: nothing else can be in the way there, and nothing is removed by its name.
  bool take(const std::string& name) {
    if (::rename((drop_ / name).c_str(), (folder_ / name).c_str()) != 0) return false;
    entry_ = folder_ / name;
    return true;
  }
  const fs::path& path() const { return entry_; }

 private:
  static fs::path make_folder(const fs::path& parent) {
    make_directories(parent, 0700);
    // NFS and FUSE keep a removed file that is still open beside its old name, and with it the folder.
    FolderReader reader(parent);
    while (const auto left = reader.next()) ::rmdir(left->path.c_str());
    std::string name = parent / "take-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) fail(errno, "cannot make a folder in " + parent.string());
    return name;
  }

  const fs::path drop_, folder_;
  fs::path entry_;
  std::optional<DirectoryLock> lock_;
};

// Nothing when there is no such entry.
std::unique_ptr<TakenEntry> take(const Depot& depot, const std::string& name) {
  auto taken = std::make_unique<TakenEntry>(depot.taken(), depot.drop());
  if (taken->take(name)) return taken;
  if (errno == EXDEV) {
    taken = std::make_unique<TakenEntry>(depot.drop() / in_drop, depot.drop());
    if (taken->take(name)) return taken;
  }
  if (errno == ENOENT) return nullptr;
  fail(errno, "cannot take " + (depot.drop() / name).string() + " out of drop/");
}

bool is_the_same(const fs::path& entry, const FileVersion& version, std::int64_t last_written) {
  struct stat status {};
  return ::lstat(entry.c_str(), &status) == 0 && status.st_dev == version.device &&
         status.st_ino == version.number && static_cast<std::uint64_t>(status.st_size) == version.size &&
         written(status) == last_written;
}

// Before it is moved its every change shows; the move itself changes ctime.
std::unique_ptr<TakenEntry> take_very(const Depot& depot, const std::string& name, const File& file,
                                      std::int64_t last_written) {
  const auto now = file.attributes();
  const auto& version = file.at_open().version;
  if (!now || now->version != version || !is_the_same(depot.drop() / name, version, last_written))
    return nullptr;
  auto taken = take(depot, name);
  if (!taken || !is_the_same(taken->path(), version, last_written) || is_open_for_writing(taken->path()))
    return nullptr;
  return taken;
}

// A second name for what lies in drop/, which is there before the first one goes: nothing is missing
// meanwhile. False where another has the place; nothing where there are no such links.
std::optional<bool> link_new(const fs::path& from, const fs::path& to) {
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0) == 0) return true;
  return errno == EEXIST ? std::optional(false) : std::nullopt;
}

// Where the very file lies then; with a reason beside it if there is one.
template <class FreeName>
std::optional<fs::path> move_very(const Depot& depot, const std::string& name, const File& file,
                                  std::int64_t last_written, FreeName free, const std::string& reason) {
  const auto& version = file.at_open().version;
  const auto drop = depot.drop() / name;
  const auto now = file.attributes();
  if (!now || now->version != version || !is_the_same(drop, version, last_written)) return std::nullopt;
  for (;;) {
    const fs::path place = free();
    // The reason first: were we killed in between, the drop is still there, or goes back, and is judged
    // again.
    const auto reason_file = reason_beside(place);
    if (!reason.empty()) write_durably(reason_file, reason, 0644);
    const auto undo = [&](bool linked) noexcept {
      std::error_code ignored;
      if (linked) fs::remove(place, ignored);
      if (!reason.empty()) fs::remove(reason_file, ignored);
    };
    bool linked = false;
    try {
      const auto link = link_new(drop, place);
      linked = link.value_or(false);
      if (link && !linked) {
        undo(false);
        continue;
      }
      const auto taken = take(depot, name);
      if (!taken || !is_the_same(taken->path(), version, last_written) ||
          (linked && !is_the_same(place, version, last_written)) || is_open_for_writing(taken->path())) {
        undo(linked);
        return std::nullopt;
      }
      if (linked) {
        sync_directory(place.parent_path());
        fs::remove(taken->path());
      } else {
        rename_new(taken->path(), place);
      }
      sync_directory(depot.drop());
      return place;
    } catch (const std::system_error& error) {
      undo(linked);
      if (error.code() != std::errc::file_exists) throw;
    } catch (...) {  // memory is short
      undo(linked);
      throw;
    }
  }
}

// What a killed one left in its folder. Where one cannot go back, it waits for the next start, and no other
// does.
void return_from(const OwnFolder& parent, const std::string& name, const fs::path& drop) {
  const auto folder = parent.open_below(name);
  if (!folder || ::flock(folder->handle(), LOCK_EX | LOCK_NB) != 0) return;  // somebody works in it
  for (const auto& each : folder->names()) {
    try {
      give_back(folder->handle(), each, drop);
    } catch (const std::system_error&) {
      continue;
    }
  }
  parent.remove_folder(name);
}

}  // namespace

DroppedFile::DroppedFile(const Depot& depot, std::string name)
    : depot_(&depot), name_(std::move(name)), file_(open_plain_file(path())), written_(written(path())) {}

bool DroppedFile::remove() const {
  const auto taken = take_very(*depot_, name_, file_, written_);
  if (!taken) return false;
  fs::remove(taken->path());
  sync_directory(depot_->drop());
  return true;
}

bool DroppedFile::keep() const {
  make_directories(depot_->bundles(), 0755);
  const auto name = [&] { return free_name(depot_->bundles(), name_); };
  return move_very(*depot_, name_, file_, written_, name, {}).has_value();
}

std::optional<fs::path> DroppedFile::reject(const std::string& reason) const {
  make_directories(depot_->rejected(), 0755);  // who empties it may have removed it
  const auto name = [&] { return free_name(depot_->rejected(), name_); };
  return move_very(*depot_, name_, file_, written_, name, one_line(reason) + "\n");
}

std::optional<DirectoryLock> hold_drop(const Depot& depot) {
  auto lock = DirectoryLock::try_to(depot.staging());
  if (!lock) return {};
  for (const auto& place : {depot.taken(), depot.drop() / in_drop}) {
    const auto parent = OwnFolder::open(place);
    if (!parent) continue;
    for (const auto& name : parent->names()) return_from(*parent, name, depot.drop());
  }
  return lock;
}

}  // namespace storage
