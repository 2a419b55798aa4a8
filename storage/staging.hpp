#pragma once
#include <filesystem>
#include <optional>
#include <utility>

#include "storage/depot.hpp"
#include "storage/file.hpp"

namespace storage {

// Holds a directory for itself, against other processes and other holders in this one, as long as it lives. A
// killed process lets go.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::filesystem::path& directory);  // waits; throws std::system_error
  bool still_there() const;  // false: the directory was removed while we waited for it

 private:
  Handle handle_;
};

// A directory below state/staging in which one import works. It is removed, with whatever is still in it,
// when the import ends; sweep_staging removes those of killed imports, told by their locks.
class StagingArea {
 public:
  explicit StagingArea(const Depot& depot);  // throws std::system_error
  StagingArea(const StagingArea&) = delete;
  StagingArea& operator=(const StagingArea&) = delete;
  ~StagingArea();
  std::filesystem::path content() const { return directory_ / "content"; }  // empty at first; mode 0755

 private:
  explicit StagingArea(std::filesystem::path made) : directory_(std::move(made)) {}

  std::filesystem::path directory_;
  std::optional<DirectoryLock> lock_;
};

}  // namespace storage
