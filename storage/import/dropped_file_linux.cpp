#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
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

// NAME.file.999.reason.txt must fit into the 255 bytes of a file name.
constexpr std::size_t longest_rejected = 230;
constexpr std::string_view no_reason_ending = ".file";
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

// Both names are free. That only saves a retry: what never overwrites is rename_new. It is never the name of
// a reason, which is counted and shown nowhere.
fs::path free_name(const fs::path& directory, const std::string& name) {
  std::string stem = name.substr(0, longest_rejected);
  if (is_reason(stem)) stem += no_reason_ending;
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

// After a rename or a removal, which is done whatever the disk says now. If a crash undoes it, the file lies
// where it lay before, and is judged again.
void sync_afterwards(const fs::path& folder) noexcept {
  try {
    sync_directory(folder);
  } catch (const std::exception&) {
    return;
  }
}

void give_back(const OwnFolder& folder, const std::string& name, const fs::path& drop) {
  auto place = drop / name;
  for (int n = 2; rename_new(folder.handle(), name.c_str(), AT_FDCWD, place.c_str()) != 0; ++n) {
    if (errno != EEXIST) fail(errno, fmt::format("cannot move {} back to {}", name, drop.string()));
    place = drop / numbered(name, n);
  }
  sync_afterwards(drop);
}

// Of an entry in the folder of this handle, or of a whole path.
bool is_the_same(int folder, const fs::path& entry, const FileVersion& version, std::int64_t last_written) {
  struct stat status {};
  return ::fstatat(folder, entry.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         status.st_dev == version.device && status.st_ino == version.number &&
         static_cast<std::uint64_t>(status.st_size) == version.size && written(status) == last_written;
}

bool is_the_same(const fs::path& entry, const FileVersion& version, std::int64_t last_written) {
  return is_the_same(AT_FDCWD, entry, version, last_written);
}

// A folder of this process alone, in which one entry of drop/ lies under its own name; told by a lock from
// what a killed one left. What still lies there at the end goes back. All by handle: in drop/ others may put
// something else in the way at any moment.
class TakenEntry {
 public:
  TakenEntry(OwnFolder parent, const fs::path& drop)
      : drop_(drop), parent_(std::move(parent)), folder_(make_folder()) {
    if (::flock(folder_.handle(), LOCK_EX | LOCK_NB) != 0)
      fail(errno, fmt::format("cannot lock {}, a folder for what is taken out of drop/", folder_name_));
  }
  TakenEntry(const TakenEntry&) = delete;
  TakenEntry& operator=(const TakenEntry&) = delete;
  ~TakenEntry() {
    try {
      if (!entry_.empty()) give_back(folder_, entry_, drop_);
    } catch (const std::exception&) {
      return;  // it goes back at the next start
    }
    parent_.remove_folder(folder_name_);
  }

  // By one rename everywhere: nothing else can be in the way there, and nothing is removed by its name.
  bool take(const std::string& name) {
    std::string entry = name;
    if (::renameat(AT_FDCWD, (drop_ / name).c_str(), folder_.handle(), name.c_str()) != 0) return false;
    entry_ = std::move(entry);
    return true;
  }
  bool is_the_same(const FileVersion& version, std::int64_t last_written) const {
    return storage::is_the_same(folder_.handle(), entry_, version, last_written);
  }
  void remove() {
    if (::unlinkat(folder_.handle(), entry_.c_str(), 0) != 0)
      fail(errno, fmt::format("cannot remove {} from drop/", entry_));
    entry_.clear();
  }
  // Without a sync.
  void move_to(const fs::path& place) {
    if (rename_new(folder_.handle(), entry_.c_str(), AT_FDCWD, place.c_str()) != 0)
      fail(errno, fmt::format("cannot move {} to {}", (drop_ / entry_).string(), place.string()));
    entry_.clear();
  }

 private:
  OwnFolder make_folder() {
    // NFS and FUSE keep a removed file that is still open beside its old name, and with it the folder.
    for (const auto& left : parent_.names()) parent_.remove_folder(left);
    for (int n = 1;; ++n) {
      folder_name_ = fmt::format("take-{}", n);
      if (auto made = parent_.make_below(folder_name_)) return std::move(*made);
    }
  }

  const fs::path drop_;
  const OwnFolder parent_;
  std::string folder_name_;
  const OwnFolder folder_;
  std::string entry_;
};

OwnFolder folder_for_taken(const fs::path& place, OwnFolder::Place around) {
  make_directories(place, 0700);
  if (auto folder = OwnFolder::open(place, around)) return std::move(*folder);
  throw std::runtime_error(
      fmt::format("{} is a link, or another user's, or others may write in it: remove it", place.string()));
}

// Nothing when there is no such entry.
std::unique_ptr<TakenEntry> take(const Depot& depot, const std::string& name) {
  using enum OwnFolder::Place;
  auto taken = std::make_unique<TakenEntry>(folder_for_taken(depot.taken(), ours), depot.drop());
  if (taken->take(name)) return taken;
  if (errno == EXDEV) {
    const auto place = depot.drop() / in_drop;
    taken = std::make_unique<TakenEntry>(folder_for_taken(place, shared), depot.drop());
    if (taken->take(name)) return taken;
  }
  if (errno == ENOENT) return nullptr;
  fail(errno, fmt::format("cannot take {} out of drop/", (depot.drop() / name).string()));
}

// Before it is moved its every change shows; the move itself changes ctime.
std::unique_ptr<TakenEntry> take_very(const Depot& depot, const std::string& name, const File& file,
                                      std::int64_t last_written) {
  const auto now = file.attributes();
  const auto& version = file.at_open().version;
  if (!now || now->version != version || !is_the_same(depot.drop() / name, version, last_written))
    return nullptr;
  auto taken = take(depot, name);
  if (!taken || !taken->is_the_same(version, last_written) || is_open_for_writing(file)) return nullptr;
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
  const auto folder = depot.drop(), drop = folder / name;
  const auto now = file.attributes();
  if (!now || now->version != version || !is_the_same(drop, version, last_written)) return std::nullopt;
  for (;;) {
    fs::path place = free();
    const auto reason_file = reason_beside(place), target = place.parent_path();
    bool linked = false;
    const auto undo = [&]() noexcept {
      std::error_code ignored;
      if (linked) fs::remove(place, ignored);
      if (!reason.empty()) fs::remove(reason_file, ignored);
    };
    try {
      // The reason first: were we killed in between, the drop is still there, or goes back, and is judged
      // again.
      if (!reason.empty()) write_durably(reason_file, reason, 0644);
      const auto link = link_new(drop, place);
      linked = link.value_or(false);
      if (link && !linked) {
        undo();
        continue;
      }
      const auto taken = take(depot, name);
      if (!taken || !taken->is_the_same(version, last_written) ||
          (linked && !is_the_same(place, version, last_written)) || is_open_for_writing(file)) {
        undo();
        return std::nullopt;
      }
      if (linked) {
        sync_directory(target);
        taken->remove();
      } else {
        taken->move_to(place);
      }
    } catch (const std::system_error& error) {
      undo();
      if (error.code() != std::errc::file_exists) throw;
      continue;
    } catch (...) {  // memory is short
      undo();
      throw;
    }
    // From here on `place` is the only name of the file.
    if (!linked) sync_afterwards(target);
    sync_afterwards(folder);
    return std::optional(std::move(place));
  }
}

// What a killed one left in its folder. Where one cannot go back, it waits for the next start, and no other
// does.
void return_from(const OwnFolder& parent, const std::string& name, const fs::path& drop) {
  const auto folder = parent.open_below(name);
  if (!folder || ::flock(folder->handle(), LOCK_EX | LOCK_NB) != 0) return;  // somebody works in it
  for (const auto& each : folder->names()) {
    try {
      give_back(*folder, each, drop);
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
  taken->remove();
  sync_afterwards(depot_->drop());
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
  using enum OwnFolder::Place;
  for (const auto& parent :
       {OwnFolder::open(depot.taken(), ours), OwnFolder::open(depot.drop() / in_drop, shared)}) {
    if (!parent) continue;
    for (const auto& name : parent->names()) return_from(*parent, name, depot.drop());
  }
  return lock;
}

}  // namespace storage
