#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "storage/files/file.hpp"

namespace storage {

// Files that are no device's business: bundles, and what is made of them. All throw std::system_error, naming
// the path.

// Opens a bundle for reading: never through a link, and never anything but a regular file
// (errc::invalid_argument), so a FIFO cannot hang the import.
File open_plain_file(const std::filesystem::path& path);

// The same, but nothing where any folder on the way, or the file itself, is a link (Linux: openat2; nothing
// where that cannot be had), a folder, or not to be opened at all: open_plain_file says why.
std::optional<File> open_without_links(const std::filesystem::path& path);

// Whether somebody on this machine still has the file open for writing, as far as the system will tell us.
// The process must ignore SIGIO, which says that a writer came while we looked.
bool is_open_for_writing(const std::filesystem::path& path);
bool is_open_for_writing(const File& file);

// Whether a user other than this process's and root could write to the file when it was opened. Such a user
// may change it without a trace: a page that he has mapped, and wrote to before the file was opened, takes
// more writes of his without a new time of change.
bool may_be_written_by_others(const File& file);

// A file that is being written. Its maker removes it if it is not wanted.
class NewFile {
 public:
  // In `directory`, and never through or onto something that is there already.
  NewFile(const std::filesystem::path& directory, const std::string& name);
  void write(std::span<const std::byte> bytes);
  void sync();  // returns when the bytes are on the disk

 private:
  std::filesystem::path path_;
  Handle handle_;
};

}  // namespace storage
