#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/file.hpp"

namespace storage {

// A file in drop/, open for reading. What becomes of it at last becomes of this very file, as it was when it
// was opened, and never of another that came to have its name: the entry moves to a private folder in state/,
// or in drop/ where that is a file system of its own, is compared there with what was opened, and goes back
// if it is another. What a killed server left in such a folder goes back at the next start. On a file system
// that can neither rename without replacing nor link, a file that takes the name in the very instant of going
// back is replaced, as its sender's own rename would do. Windows holds the file by a handle that lets nobody
// write, rename or remove meanwhile, and moves or removes it by that handle: nothing lies in another place
// for a moment.
//
// Each of the three is synced as far as the disk does so, never overwrites (a second NAME becomes NAME.2),
// and may wait for the disk: for a worker. Each says false, or nothing, when drop/ holds this file no longer,
// or changed: nothing was done then, and the new file must be examined. All throw std::system_error, or
// std::runtime_error where something of another user's is in the way in drop/, and then it lies in drop/.
class DroppedFile {
 public:
  DroppedFile(const Depot& depot, std::string name);

  const std::string& name() const { return name_; }
  std::filesystem::path path() const;
  const File& file() const { return file_; }

  bool remove() const;
  bool keep() const;  // moves it to bundles/
  // Moves it to rejected/ and writes the reason beside it, in one line. Returns the path of the moved file.
  std::optional<std::filesystem::path> reject(const std::string& reason) const;

 private:
  const Depot* depot_;
  std::string name_;
  File file_;
  // When it was written, in nanoseconds since 1970; its change of name counts as none. Windows: when it
  // changed.
  std::int64_t written_;
};

// The number of files in rejected/, without their reasons.
std::size_t rejected_files(const Depot& depot);

// The file beside a rejected one that has the reason.
std::filesystem::path reason_beside(const std::filesystem::path& file);
// Why a file of rejected/ lies there, in the words of the import; empty where nobody wrote it down.
std::string reason_of_rejected(const Depot& depot, const std::string& name);
// Whether a file of rejected/ is such a reason. A file that had such a name in drop/ has another there.
bool is_reason(const std::string& name);

// Makes the caller the one that imports what is put into drop/, as long as it holds the lock, and puts back
// what a killed server had taken out of drop/. Nothing while another server holds it: what that one has taken
// is being imported. The lock is on state/staging, because a handle of drop/ itself would keep the kernel
// from telling that drop/ was removed. Throws std::system_error.
std::optional<DirectoryLock> hold_drop(const Depot& depot);

}  // namespace storage
