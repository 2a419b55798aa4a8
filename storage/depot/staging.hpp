#pragma once
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "storage/files/file.hpp"

namespace storage {

class Depot;

// Holds a directory for itself, against other processes and other holders in this one, as long as it lives. A
// killed process lets go. Windows: it makes a hidden file there, ".lock", which stays.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::filesystem::path& directory);  // waits; throws std::system_error
  static std::optional<DirectoryLock> try_to(const std::filesystem::path& directory);  // nothing: it is held
  bool still_there() const;  // false: the directory was removed while we waited for it

 private:
  explicit DirectoryLock(Handle handle) : handle_(std::move(handle)) {}
  Handle handle_;
};

// Removes a directory that somebody holds, with all that lies in it, and lets go.
std::error_code remove_held(const std::filesystem::path& directory, DirectoryLock lock);

// A directory below state/staging in which one import or upload works. It is removed, with whatever is still
// in it, when that ends; sweep_staging removes those of a killed process, told by their locks.
class StagingArea {
 public:
  explicit StagingArea(const Depot& depot);  // throws std::system_error
  StagingArea(const StagingArea&) = delete;
  StagingArea& operator=(const StagingArea&) = delete;
  ~StagingArea();
  std::filesystem::path content() const { return directory_ / "content"; }  // empty at first; mode 0755
  std::filesystem::path bundle() const { return directory_ / "bundle"; }    // the file's copy, if one is made
  std::filesystem::path note() const { return note_in(directory_); }        // not there at first
  static std::filesystem::path note_in(const std::filesystem::path& area) { return area / "note"; }

 private:
  explicit StagingArea(std::filesystem::path made) : directory_(std::move(made)) {}

  std::filesystem::path directory_;
  std::optional<DirectoryLock> lock_;
};

// The notes of the areas in which somebody works now, in this process or another. Throws std::system_error.
std::vector<std::filesystem::path> notes_of_live_areas(const Depot& depot);
// What lies in state/staging now, without arriving_in(). Throws std::system_error.
std::vector<std::filesystem::path> staging_areas(const Depot& depot);
// Removes of these what a killed import or upload left behind; what a live one holds is left alone. May wait
// for the disk: for a worker.
void sweep_staging(const std::vector<std::filesystem::path>& areas);
// The same for what was being written to state/ or rejected/ when its writer was killed.
void sweep_half_written(const Depot& depot);

}  // namespace storage
