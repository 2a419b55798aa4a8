#pragma once
#include <filesystem>
#include <string_view>
#include <system_error>

namespace storage {

// Writing so that a crash or a full disk leaves either the old state or the new one, on the disk and not only
// in memory. All throw std::system_error, naming the path.

// Writes beside `file`, syncs, and renames over it. `mode` is the new file's, whatever the umask.
void write_durably(const std::filesystem::path& file, std::string_view content, unsigned mode);
// Makes what was created, renamed or removed in `directory` survive a crash.
void sync_directory(const std::filesystem::path& directory);
// Renames, but never onto something that exists: errc::file_exists then.
void rename_new(const std::filesystem::path& from, const std::filesystem::path& to);
// create_directories, each new level synced into its parent.
void make_directories(const std::filesystem::path& directory, unsigned mode);

}  // namespace storage
