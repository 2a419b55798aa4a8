#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <string_view>

#include "storage/depot/arriving.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/durable.hpp"

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

// Removes all that lies in `directory`. Allocates nothing itself (the system's readdir has a buffer of its
// own), because what failed for want of memory is cleaned up by this. What cannot be removed stays.
void clear(int directory) noexcept {
  const int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const stream = own >= 0 ? ::fdopendir(own) : nullptr;
  if (!stream) {
    if (own >= 0) ::close(own);
    return;
  }
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (::unlinkat(own, entry->d_name, 0) == 0 || errno != EISDIR) continue;
    {
      const Handle below(::openat(own, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (below) clear(below.get());
    }
    ::unlinkat(own, entry->d_name, AT_REMOVEDIR);
  }
  ::closedir(stream);
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
StagingArea::~StagingArea() {
  if (const Handle area = open_directory(directory_)) clear(area.get());
  ::rmdir(directory_.c_str());
}

std::vector<fs::path> staging_areas(const Depot& depot) {
  std::vector<fs::path> areas;
  for (const auto& entry : fs::directory_iterator(depot.staging()))
    if (entry.path() != arriving_in(depot)) areas.push_back(entry.path());
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
    fs::remove_all(path, ignored);
  }
}

void sweep_half_written(const Depot& depot) {
  for (const auto& directory : {depot.state(), depot.manifests(), depot.rejected()})
    sweep_half_written(directory);
  std::error_code error;  // what cannot be looked at is swept another time
  for (fs::recursive_directory_iterator i(depot.manifests(), error), end; !error && i != end;
       i.increment(error))
    if (i->is_directory()) sweep_half_written(i->path());
}

}  // namespace storage
