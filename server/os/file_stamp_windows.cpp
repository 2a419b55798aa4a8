#include "server/os/file_stamp.hpp"
#include "server/os/wide.hpp"

namespace server {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t ticks_before_1970 = 116'444'736'000'000'000, nanoseconds_of_a_tick = 100;

std::int64_t nanoseconds(std::int64_t ticks) { return (ticks - ticks_before_1970) * nanoseconds_of_a_tick; }

std::uint64_t joined(DWORD high, DWORD low) { return std::uint64_t{high} << 32U | low; }

std::int64_t now() {
  FILETIME time{};
  ::GetSystemTimePreciseAsFileTime(&time);
  return nanoseconds(static_cast<std::int64_t>(joined(time.dwHighDateTime, time.dwLowDateTime)));
}

}  // namespace

std::optional<FileStamp> stamp_of(const std::filesystem::path& file) {
  const KernelHandle handle(::CreateFileW(file.c_str(), FILE_READ_ATTRIBUTES, share_all, nullptr,
                                          OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
  BY_HANDLE_FILE_INFORMATION info{};
  FILE_BASIC_INFO times{};
  if (!handle || !::GetFileInformationByHandle(handle.get(), &info) ||
      !::GetFileInformationByHandleEx(handle.get(), FileBasicInfo, &times, sizeof times))
    return {};
  const auto changed = nanoseconds(times.ChangeTime.QuadPart);
  // FAT keeps times of two seconds, and a clock may have been set back.
  return FileStamp{info.dwVolumeSerialNumber,
                   joined(info.nFileIndexHigh, info.nFileIndexLow),
                   joined(info.nFileSizeHigh, info.nFileSizeLow),
                   nanoseconds(times.LastWriteTime.QuadPart),
                   changed,
                   now() - changed < 2 * second};
}

}  // namespace server
