#pragma once
#include <optional>

#include "storage/depot/sender.hpp"
#include "storage/files/root.hpp"

namespace storage {

// A folder that a client may change: a Root, so that no name and no link leads out of it. Nothing is ever
// replaced, and only what the same sender made is removed, renamed or given other times: not what the
// administrator put there, nor a link. Safe from any thread; every call may wait for the disk: for a worker.
//
// Errors are those of the system; errc::operation_not_permitted for what would change the folder itself,
// errc::file_exists where a folder is to be made that is there, and UploadError.
class Writable {
 public:
  Writable(Root root, Sender sender) : root_(std::move(root)), sender_(std::move(sender)) {}
  const Root& root() const { return root_; }

  Result<void> make_directory(const Path& path) const;    // 0755, whatever the umask
  Result<void> remove_directory(const Path& path) const;  // an empty one
  Result<void> remove_file(const Path& path) const;
  Result<void> rename(const Path& from, const Path& to) const;  // of a folder, with all of it from one sender
  Result<void> set_times(const Path& path, const Times& times) const;  // of a file or folder, links followed
  // Whether the file or folder is the sender's to change; links followed.
  Result<void> expect_own(const Path& path) const;

 private:
  Result<Handle> open_own_at(const Path& path) const;

  Root root_;
  Sender sender_;
};

// The folder uploads/ below a user's root, made when it is missing.
Result<Root> uploads_below(const Root& user_root);

}  // namespace storage
