#pragma once
#include <optional>

#include "storage/root.hpp"

namespace storage {

// A folder that a client may change: a Root, so that no name and no link leads out of it. Nothing is ever
// replaced. Safe from any thread; every call may wait for the disk: for a worker.
//
// Errors are those of the system; errc::operation_not_permitted for what would change the folder itself, and
// errc::file_exists where a folder is to be made that is there.
class Writable {
 public:
  explicit Writable(Root root) : root_(std::move(root)) {}
  const Root& root() const { return root_; }

  Result<void> make_directory(const Path& path) const;    // 0755, whatever the umask
  Result<void> remove_directory(const Path& path) const;  // an empty one
  Result<void> remove_file(const Path& path) const;       // of a link, the link
  Result<void> rename(const Path& from, const Path& to) const;
  Result<void> set_times(const Path& path, const Times& times) const;  // of a file or folder, links followed

 private:
  Root root_;
};

// The folder uploads/ below a user's root, made when it is missing.
Result<Writable> uploads_below(const Root& user_root);

}  // namespace storage
