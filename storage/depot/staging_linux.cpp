#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

#include "storage/depot/arriving.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/folder.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

Handle open_directory(const fs::path& directory) {
  return Handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

fs::path make_area(const fs::path& staging) {
  std::string name = staging / "work-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) fail("cannot make a folder in " + staging.string());
  try {
    return fs::path(name);
  } catch (const std::bad_alloc&) {
    ::rmdir(name.c_str());
    throw;
  }
}

}  // namespace

DirectoryLock::DirectoryLock(const fs::path& directory) : handle_(open_directory(directory)) {
  if (!handle_) fail("cannot open " + directory.string());
  while (::flock(handle_.get(), LOCK_EX) != 0)
    if (errno != EINTR) fail("cannot lock " + directory.string());
}

std::optional<DirectoryLock> DirectoryLock::try_to(const fs::path& directory) {
  Handle handle = open_directory(directory);
  if (!handle) fail("cannot open " + directory.string());
  while (::flock(handle.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    if (errno != EINTR) fail("cannot lock " + directory.string());
  }
  return DirectoryLock(std::move(handle));
}

bool DirectoryLock::still_there() const {
  struct stat status {};
  return ::fstat(handle_.get(), &status) == 0 && status.st_nlink > 0;
}

std::error_code remove_held(const fs::path& directory, DirectoryLock) { return remove_tree(directory); }

// The first constructor makes the object whole, so that the destructor cleans up after what fails in the
// second.
StagingArea::StagingArea(const Depot& depot) : StagingArea(make_area(depot.staging())) {
  lock_.emplace(directory_);
  if (!lock_->still_there())  // a sweep came between the two steps
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            directory_.string());
  make_directories(content(), 0755);
}

// What cannot be removed now is swept at the next start.
StagingArea::~StagingArea() { remove_tree(directory_); }

std::vector<fs::path> staging_areas(const Depot& depot) {
  std::vector<fs::path> areas;
  FolderReader reader(depot.staging());
  while (auto entry = reader.next())
    if (entry->path != arriving_in(depot)) areas.push_back(std::move(entry->path));
  return areas;
}

std::vector<fs::path> notes_of_live_areas(const Depot& depot) {
  std::vector<fs::path> notes;
  for (const auto& path : staging_areas(depot)) {
    auto note = StagingArea::note_in(path);
    std::error_code ignored;
    if (!fs::exists(note, ignored)) continue;  // an upload's
    const Handle area = open_directory(path);
    if (!area || ::flock(area.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) continue;
    notes.push_back(std::move(note));
  }
  return notes;
}

void sweep_staging(const std::vector<fs::path>& areas) {
  for (const auto& path : areas) {
    std::error_code ignored;  // what cannot be removed only costs space: no reason not to start
    const Handle area = open_directory(path);
    const bool is_area = fs::symlink_status(path, ignored).type() == fs::file_type::directory;
    if (is_area && (!area || ::flock(area.get(), LOCK_EX | LOCK_NB) != 0)) continue;  // somebody works in it
    remove_tree(path);
  }
}

void sweep_half_written(const Depot& depot) {
  for (const auto& directory : {depot.state(), depot.manifests(), depot.rejected()})
    sweep_half_written(directory);
  std::error_code error;  // what cannot be looked at is swept another time
  FolderReader reader(depot.manifests(), error, FolderReader::Reach::tree);
  while (const auto entry = reader.next())
    if (entry->is_folder()) sweep_half_written(entry->path);
}

}  // namespace storage
