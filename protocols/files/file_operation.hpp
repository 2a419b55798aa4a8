#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/files/root.hpp"

// What an SFTP or SCP session asks its driver to do in the file system, one operation at a time, and what the
// driver answers. `handle` is a small number that the session gives out; the driver keeps what is open under
// it. None is called as a function of Windows is: CreateFile and RemoveDirectory are macros there.
namespace files {

// `spelled`: how the client wrote a name that is a path only once it is read as storage::read_name() does:
// with backslashes, as a URL, behind a drive. Empty for every other one.
struct Examine {
  storage::Path path;
  storage::Links links;
  std::string spelled = {};
};
// Attributes of an open file.
struct ExamineOpen {
  std::uint32_t handle;
};
// Opens a file for reading under `handle`.
struct OpenToRead {
  std::uint32_t handle;
  storage::Path path;
  std::string spelled = {};
};
// Opens a folder for listing under `handle`.
struct OpenDirectory {
  std::uint32_t handle;
  storage::Path path;
};
// Reads into the output.
struct ReadOpen {
  std::uint32_t handle;
  std::uint64_t offset;
  std::span<std::byte> into;  // room in the session's output; valid until done()
};
// Reads up to `count` more entries.
struct ReadDirectory {
  std::uint32_t handle;
  std::size_t count;
};
// Takes the names of a folder on the worker that reads them, so that searching and sorting cost the loop
// nothing. Nobody else looks at it meanwhile.
class Names {
 public:
  virtual ~Names() = default;
  virtual void take(std::string_view name) = 0;
  virtual void end() = 0;  // that was the last one
};
// Hands up to `count` more names to `names`.
struct FindNames {
  std::uint32_t handle;
  std::size_t count;  // of entries to be looked at
  std::shared_ptr<Names> names;
};
struct CloseOpen {  // forgets it
  std::uint32_t handle;
};
// Below the folder that the user may write to, and never in the place of what is there.
struct CreateNew {  // seen by nobody before CloseOpen gives it its name, whole
  std::uint32_t handle;
  storage::Path path;
  std::optional<std::uint64_t> size = {};  // as announced
  bool create = true;                      // false: only what is there, and that is never replaced: it fails
};
// Writes to a created file.
struct WriteOpen {
  std::uint32_t handle;
  std::uint64_t offset;
  std::span<const std::byte> bytes;  // valid until done()
};
struct TruncateFile {  // one that was created
  std::uint32_t handle;
  std::uint64_t size;
};
struct CopyData {  // from one open file into a created one
  std::uint32_t from;
  std::uint64_t offset;
  std::uint32_t to;
  std::uint64_t to_offset;
  std::size_t size;
};
// Returns when the bytes are on the disk.
struct SyncFile {
  std::uint32_t handle;
};
// Makes an empty folder.
struct MakeDirectory {
  storage::Path path;
};
// Removes an empty folder.
struct RemoveEmpty {
  storage::Path path;
};
// Removes a file that the same user uploaded.
struct RemoveFile {
  storage::Path path;
};
// Gives a file that the same user uploaded another name.
struct Rename {
  storage::Path from, to;
};
using storage::Times;
struct ExamineOwn {  // whether it is there, and the user's to change
  storage::Path path;
};
// Sets the times of an entry by its path.
struct SetTimes {
  storage::Path path;
  Times times;
};
// Sets the times of an open file.
struct SetTimesOpen {
  std::uint32_t handle;
  Times times;
};
// Reads where a link leads.
struct ReadLink {
  storage::Path path;
};
// Asks for the space of the file system.
struct ExamineSpace {
  storage::Path path;
};
struct AbandonFile {  // created, but not received whole: it vanishes
  std::uint32_t handle;
};

using Operation = std::variant<Examine, ExamineOpen, OpenToRead, OpenDirectory, ReadOpen, ReadDirectory,
                               FindNames, CloseOpen, CreateNew, WriteOpen, TruncateFile, CopyData, SyncFile,
                               MakeDirectory, RemoveEmpty, RemoveFile, Rename, ExamineOwn, SetTimes,
                               SetTimesOpen, ReadLink, ExamineSpace, AbandonFile>;

// It worked, and there is nothing to tell.
struct Done {};
using storage::Space;
// What a link says: a path of the client's view.
struct LinkTarget {
  std::string text;
};
// Attributes for Examine and ExamineOpen, bytes read or copied for ReadOpen and CopyData (none at the file's
// end), entries for ReadDirectory (none at the end), their number for FindNames, LinkTarget for ReadLink,
// Space for ExamineSpace, nothing for the rest; or why it failed.
using Answer = std::variant<Done, storage::Attributes, std::size_t, std::vector<storage::Entry>, LinkTarget,
                            Space, std::error_code>;

}  // namespace files
