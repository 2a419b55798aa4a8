#include "server/os/disk.hpp"

#include <array>

#include "server/os/wide.hpp"

namespace server {
namespace {

constexpr DWORD longest = 32'768;

}  // namespace

// A file system that keeps no owners and no access rights (FAT, exFAT) says so by a flag.
std::optional<Disk> disk_of(const std::filesystem::path& folder) {
  std::error_code error;
  const auto path = std::filesystem::absolute(folder, error);
  std::wstring volume(longest, L'\0');
  if (error || ::GetFileAttributesW(path.c_str()) == INVALID_FILE_ATTRIBUTES ||
      !::GetVolumePathNameW(path.c_str(), volume.data(), longest))
    return {};
  volume.resize(volume.find(L'\0'));
  const auto type = ::GetDriveTypeW(volume.c_str());
  std::array<wchar_t, MAX_PATH + 1> name{};
  DWORD flags = 0;
  const bool known = ::GetVolumeInformationW(volume.c_str(), nullptr, 0, nullptr, nullptr, &flags,
                                             name.data(), static_cast<DWORD>(name.size())) != 0;
  if (type == DRIVE_REMOTE) return Disk{DiskKind::network, "a network drive"};
  if (type == DRIVE_RAMDISK) return Disk{DiskKind::memory, "a RAM disk"};
  if (known && (flags & FILE_PERSISTENT_ACLS) == 0)
    return Disk{DiskKind::without_owners, narrow(name.data())};
  return Disk{};
}

// Asks for changes as the watch does, and takes the question back.
std::error_code watch_failure(const std::filesystem::path& folder) {
  const KernelHandle handle(::CreateFileW(folder.c_str(), FILE_LIST_DIRECTORY, share_all, nullptr,
                                          OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED,
                                          nullptr));
  if (!handle) return last_error();
  const KernelHandle done(::CreateEventW(nullptr, TRUE, FALSE, nullptr));
  OVERLAPPED question{};
  question.hEvent = done.get();
  std::array<DWORD, 256> buffer;
  if (!::ReadDirectoryChangesW(handle.get(), buffer.data(), sizeof buffer, FALSE,
                               FILE_NOTIFY_CHANGE_FILE_NAME, nullptr, &question, nullptr))
    return last_error();
  DWORD count = 0;
  ::CancelIoEx(handle.get(), &question);
  ::GetOverlappedResult(handle.get(), &question, &count, TRUE);
  return {};
}

}  // namespace server
