#pragma once
// For *_windows.cpp alone: how storage opens, names, moves and removes files on Windows. Names are taken as
// they stand, of any length: nothing here goes by the rules of Win32, which drop a dot or a blank at the end
// and know devices in each folder. No handle is inherited, and every one lets others read, write, rename and
// remove. Any thread; all may wait for the disk.
#include <windows.h>
#include <winternl.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "storage/files/file.hpp"

namespace storage {

inline HANDLE native(const Handle& handle) { return reinterpret_cast<HANDLE>(handle.get()); }
inline Handle owned(HANDLE handle) { return Handle(reinterpret_cast<NativeHandle>(handle)); }

// Errors of Win32 whose condition (std::errc) is what the same failure has on Linux, and whose text is the
// system's own. A sharing violation is errc::device_or_resource_busy.
std::error_code error_of(DWORD error);
std::error_code error_of_status(NTSTATUS status);
inline std::error_code last_error() { return error_of(::GetLastError()); }

// UTF-16 as it is in names. widen() throws std::system_error for what is not UTF-8; narrow() has nothing for
// what is not Unicode.
std::wstring widen(std::string_view utf8);
std::optional<std::string> narrow(std::wstring_view utf16);

// "\\?\C:\depot\a" for each way to write it. Of ".." and of where a relative path begins it gets rid as Win32
// does: before a link is followed.
std::wstring system_path(const std::filesystem::path& path);

constexpr DWORD share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

// How the last component is taken.
enum class Last {
  followed,  // as Windows does: through each link
  itself     // a link is opened, and not followed
};

// What is there already. Folders too. `share` is less than share_all only where that is the question.
Result<Handle> open_path(const std::filesystem::path& path, ACCESS_MASK access, Last last,
                         DWORD share = share_all);

// Something new, as a file or as a folder: errc::file_exists where there is anything. `rights` are those of
// rights_of(); none: as the folder passes on.
enum class Make { file, folder };
Result<Handle> make_path(const std::filesystem::path& path, ACCESS_MASK access, Make make,
                         PSECURITY_DESCRIPTOR rights = nullptr);

// The same, of one name in an open folder, or of the folder itself where `name` is empty. A link is opened,
// and not followed. `options` are NtCreateFile's: FILE_DIRECTORY_FILE gives errc::not_a_directory for a file.
Result<Handle> open_at(HANDLE folder, std::wstring_view name, ACCESS_MASK access, ULONG options = 0);
Result<Handle> make_at(HANDLE folder, std::wstring_view name, ACCESS_MASK access, Make make,
                       PSECURITY_DESCRIPTOR rights = nullptr);

// The open folder once more, for requests that do not wait (OVERLAPPED).
Result<Handle> reopen_overlapped(HANDLE folder, ACCESS_MASK access);

// What `handle`, opened with DELETE, is named from now on: in the open folder, or where that is null at the
// full path that system_path() gives. Who has a file open that is replaced keeps it, on NTFS. A folder below
// which something is open: errc::device_or_resource_busy.
enum class Onto { nothing, a_file };
std::error_code rename_to(HANDLE handle, HANDLE folder, std::wstring_view name, Onto onto);

// Removes what `handle`, opened with DELETE, stands for: a file, a link, or a folder with nothing in it. On
// NTFS its name is free at once, else when the last one that has it open closes it.
std::error_code remove_by(HANDLE handle) noexcept;

// Where an open file or folder is by now, each name as it is written there: `\depot\images`, without the
// volume. With a letter of the volume: `\\?\C:\depot\images`.
enum class Volume { left_out, named };
Result<std::wstring> final_path(HANDLE handle, Volume volume = Volume::left_out);

// Returns when the bytes, and the names that were given before, are on the disk.
std::error_code flush(HANDLE handle);

// Writes all of it there.
std::error_code write_at(HANDLE handle, std::span<const std::byte> bytes, std::uint64_t offset);
// Writes all of it where the last write ended; at the file's end where it was opened with FILE_APPEND_DATA
// and without FILE_WRITE_DATA.
std::error_code append_to(HANDLE handle, std::span<const std::byte> bytes);

}  // namespace storage
