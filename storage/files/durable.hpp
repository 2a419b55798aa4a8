#pragma once
#include <filesystem>
#include <string_view>
#include <system_error>

namespace storage {

// Writing so that a crash or a full disk leaves either the old state or the new one, on the disk and not only
// in memory. All throw std::system_error, naming the path.

// Writes beside `file`, syncs, and renames over it. `mode` is the new file's, whatever the umask; written by
// root it belongs to whom the old one belonged.
void write_durably(const std::filesystem::path& file, std::string_view content, unsigned mode);
// Makes what was created, renamed or removed in `directory` survive a crash.
void sync_directory(const std::filesystem::path& directory);
// Renames, but never onto something that exists: errc::file_exists then. errc::device_or_resource_busy for a
// folder that the system does not move while a file in it is open (Windows).
void rename_new(const std::filesystem::path& from, const std::filesystem::path& to);
// Renames a file onto one that exists, or not; who has the old one open keeps it.
void replace_file(const std::filesystem::path& from, const std::filesystem::path& to);
// Gives each of two directories the name of the other, in one step. False, with nothing changed, where the
// system has no such rename: on Windows, NFS and some FUSE.
bool exchange(const std::filesystem::path& a, const std::filesystem::path& b);
// create_directories, each new level synced into its parent.
void make_directories(const std::filesystem::path& directory, unsigned mode);
// The mode of a folder that is no more private than its surroundings: 0750 where the group may read the first
// folder above `path` that is there, else 0700.
unsigned mode_as_above(const std::filesystem::path& path);

// Whether a rename can lead from one directory to the other: both lie on one file system, and in one mount of
// it. True where that cannot be told.
bool is_one_file_system(const std::filesystem::path& a, const std::filesystem::path& b);

// Removes from `directory` what a killed write_durably left there. What a live one holds is left alone.
void sweep_half_written(const std::filesystem::path& directory);

}  // namespace storage
