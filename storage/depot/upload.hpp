#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "storage/depot/sender.hpp"
#include "storage/depot/staged_file.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/root.hpp"

namespace storage {

class Depot;

// A file that a client sends. It grows below state/staging, where no client can see it; publish() gives it
// its name, whole, and until then it vanishes with its Upload (after a crash sweep_staging removes it). Never
// replaces anything, and makes no folders.
//
// One thread at a time; every call, the destructor too, may wait for the disk: for a worker. Errors are those
// of the system: errc::file_exists for a name that is taken, by a folder or a broken link too,
// errc::no_such_file_or_directory for a folder that is not there, and UploadError where a bound is reached,
// at any write: nothing is published then.
class Upload {
 public:
  // `writable` is the folder that uploads may go to, a Root of its own, so that no name and no link leads out
  // of it. `announced_size`, in bytes, is only compared with what the sender's account has left.
  static Result<Upload> begin(const Sender& sender, const Root& writable, Path path,
                              std::optional<std::uint64_t> announced_size);

  const Path& path() const { return path_; }  // below `writable`

  Result<void> write(std::span<const std::byte> bytes, std::uint64_t offset);
  Result<std::size_t> read(std::span<std::byte> into, std::uint64_t offset) const;  // fewer bytes at the end
  Result<void> resize(std::uint64_t size);
  Result<void> sync();
  void set_times(const Times& times) { times_ = times; }  // that it is published with
  Result<Attributes> attributes() const;                  // as they will be
  // What came is not whole: publish() gives this error.
  void fail(std::error_code error) {
    if (!failed_) failed_ = error;
  }
  // Once, as the last call; 0644, whatever the umask. What was not written whole is never published: after a
  // write that failed, its error.
  Result<void> publish();

 private:
  Upload(UploadShare share, std::unique_ptr<StagingArea> area, StagedFile file, Root writable, Path path);

  std::error_code write_within_bounds(std::span<const std::byte> bytes, std::uint64_t offset);

  UploadShare share_;  // goes when the file is gone
  std::unique_ptr<StagingArea> area_;
  StagedFile file_;
  Root writable_;
  Path path_;
  std::optional<Times> times_;
  std::error_code failed_;  // the first write that did
};

// images/uploads, where devices may write; made when it is missing.
Result<Root> uploads_root(const Depot& depot);

}  // namespace storage
