#include "storage/depot/staging.hpp"

#include <fmt/format.h>

#include <random>

#include "storage/depot/arriving.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/file_windows.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

// Windows locks no folders, so it is a file in there that is locked. It stays when the lock goes: to remove
// it could take it from under somebody who waits for it.
constexpr auto lock_name = ".lock";

[[noreturn]] void fail(std::error_code error, const std::string& what) {
  throw std::system_error(error, what);
}

Result<Handle> make_lock_file(const fs::path& file) {
  auto made = make_path(file, FILE_READ_DATA | FILE_WRITE_ATTRIBUTES, Make::file);
  FILE_BASIC_INFO hidden{};
  hidden.FileAttributes = FILE_ATTRIBUTE_HIDDEN;
  if (made) ::SetFileInformationByHandle(native(*made), FileBasicInfo, &hidden, sizeof hidden);
  return made;
}

// Throws where there is no such folder, never through a link.
Handle open_lock(const fs::path& directory) {
  const auto what = [&] { return "cannot open " + utf8_of(directory); };
  const auto folder = open_path(directory, FILE_READ_ATTRIBUTES, Last::itself);
  const auto attributes = folder ? attributes_of(native(*folder)) : std::unexpected(folder.error());
  if (!attributes) fail(attributes.error(), what());
  if (attributes->kind != Kind::directory) fail(error_of(ERROR_DIRECTORY), what());
  const auto file = directory / lock_name;
  constexpr int most_tries = 100;  // it may come or go between the two steps
  for (int tries = 0;; ++tries) {
    auto opened = open_path(file, FILE_READ_DATA, Last::itself);
    if (!opened && opened.error() == std::errc::no_such_file_or_directory) opened = make_lock_file(file);
    if (opened) return std::move(*opened);
    if (opened.error() != std::errc::file_exists || tries == most_tries) fail(opened.error(), what());
  }
}

// False where somebody has it, unless it waits. The system lets go of it when the handle is closed, which it
// does for a killed process, too.
bool lock(HANDLE file, DWORD how, const fs::path& directory) {
  OVERLAPPED whole{};
  if (::LockFileEx(file, how, 0, 1, 0, &whole)) return true;
  const auto error = ::GetLastError();
  if ((how & LOCKFILE_FAIL_IMMEDIATELY) != 0 && (error == ERROR_LOCK_VIOLATION || error == ERROR_IO_PENDING))
    return false;
  fail(error_of(error), "cannot lock " + utf8_of(directory));
}

// A file that has no locks, or cannot be opened, is nobody's.
bool is_held(const fs::path& directory) {
  const auto file = open_path(directory / lock_name, FILE_READ_DATA, Last::itself);
  OVERLAPPED whole{};
  return file && !::LockFileEx(native(*file), LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &whole) &&
         (::GetLastError() == ERROR_LOCK_VIOLATION || ::GetLastError() == ERROR_IO_PENDING);
}

fs::path make_area(const fs::path& staging) {
  std::random_device random;
  for (;;) {
    auto place = staging / fmt::format("work-{:08x}", random());
    const auto made = make_path(place, FILE_READ_ATTRIBUTES, Make::folder);
    if (made) return place;
    if (made.error() != std::errc::file_exists)
      fail(made.error(), "cannot make a folder in " + utf8_of(staging));
  }
}

bool is_folder(const fs::path& path) {
  const auto there = open_path(path, FILE_READ_ATTRIBUTES, Last::itself);
  const auto attributes = there ? attributes_of(native(*there)) : std::unexpected(there.error());
  return attributes && attributes->kind == Kind::directory;
}

}  // namespace

DirectoryLock::DirectoryLock(const fs::path& directory) : handle_(open_lock(directory)) {
  lock(native(handle_), LOCKFILE_EXCLUSIVE_LOCK, directory);
}

std::optional<DirectoryLock> DirectoryLock::try_to(const fs::path& directory) {
  auto handle = open_lock(directory);
  if (!lock(native(handle), LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, directory))
    return std::nullopt;
  return DirectoryLock(std::move(handle));
}

// Who removes the directory removes the file first.
bool DirectoryLock::still_there() const {
  FILE_STANDARD_INFO info{};
  return ::GetFileInformationByHandleEx(native(handle_), FileStandardInfo, &info, sizeof info) != 0 &&
         !info.DeletePending && info.NumberOfLinks > 0;
}

// On FAT and most shares the name of an open file stays, and with it the folder, until it is closed.
std::error_code remove_held(const fs::path& directory, DirectoryLock lock) {
  const auto error = remove_tree(directory);
  { const auto released = std::move(lock); }
  return error ? remove_tree(directory) : error;
}

// The first constructor makes the object whole, so that the destructor cleans up after what fails in the
// second.
StagingArea::StagingArea(const Depot& depot) : StagingArea(make_area(depot.staging())) {
  lock_.emplace(directory_);
  if (!lock_->still_there())  // a sweep came between the two steps
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            utf8_of(directory_));
  make_directories(content(), 0755);
}

// What cannot be removed now is swept at the next start.
StagingArea::~StagingArea() {
  lock_.reset();
  remove_tree(directory_);
}

std::vector<fs::path> staging_areas(const Depot& depot) {
  std::vector<fs::path> areas;
  FolderReader reader(depot.staging());
  while (auto entry = reader.next())
    if (entry->path != arriving_in(depot) && entry->name != lock_name)
      areas.push_back(std::move(entry->path));
  return areas;
}

std::vector<fs::path> notes_of_live_areas(const Depot& depot) {
  std::vector<fs::path> notes;
  for (const auto& path : staging_areas(depot)) {
    auto note = StagingArea::note_in(path);
    std::error_code ignored;
    if (fs::exists(note, ignored) && is_held(path))
      notes.push_back(std::move(note));  // else it is an upload's
  }
  return notes;
}

void sweep_staging(const std::vector<fs::path>& areas) {
  for (const auto& path : areas) {
    try {
      if (!is_folder(path)) {
        remove_tree(path);
      } else if (auto lock = DirectoryLock::try_to(path)) {  // else somebody works in it
        remove_held(path, std::move(*lock));
      }
    } catch (const std::system_error&) {
      continue;  // what cannot be removed only costs space: no reason not to start
    }
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
