#include "storage/files/file_windows.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace storage {
namespace {

constexpr std::int64_t epoch = 116'444'736'000'000'000;  // 1970
constexpr std::int64_t second = 10'000'000;

// What WSL keeps in a folder of Windows: a socket, a FIFO, devices.
constexpr std::array<DWORD, 4> special_tags{0x80000023, 0x80000024, 0x80000025, 0x80000026};

// Rounded down, so that a time before 1970 is right too.
std::int64_t seconds(std::int64_t time) {
  const auto since = time - epoch;
  return since / second - (since % second < 0 ? 1 : 0);
}

// What is earlier than 1601 or later than Windows knows becomes the earliest or the last.
FILETIME file_time(std::int64_t time) {
  constexpr auto last = std::numeric_limits<std::int64_t>::max();
  const auto ticks = std::clamp(time, -epoch / second, (last - epoch) / second) * second + epoch;
  // 0 says that the time is to stay.
  const auto unsigned_ticks = static_cast<std::uint64_t>(std::max<std::int64_t>(ticks, 1));
  return {static_cast<DWORD>(unsigned_ticks & 0xffffffff), static_cast<DWORD>(unsigned_ticks >> 32)};
}

std::uint64_t joined(DWORD high, DWORD low) { return std::uint64_t{high} << 32 | low; }
std::int64_t ticks(const FILETIME& time) {
  return static_cast<std::int64_t>(joined(time.dwHighDateTime, time.dwLowDateTime));
}

}  // namespace

Handle::~Handle() {
  if (native_ != -1) ::CloseHandle(reinterpret_cast<HANDLE>(native_));
}

bool is_link(DWORD flags, DWORD tag) {
  constexpr DWORD leads_elsewhere = 0x20000000;  // IsReparseTagNameSurrogate
  return (flags & FILE_ATTRIBUTE_REPARSE_POINT) != 0 && (tag & leads_elsewhere) != 0;
}

// Windows has no mode: that of a file tells whether it is read-only. Who may do what its access list alone
// knows.
Attributes attributes_of(const RawAttributes& raw) {
  Attributes a;
  const bool special = (raw.flags & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
                       std::ranges::find(special_tags, raw.tag) != special_tags.end();
  a.kind = is_link(raw.flags, raw.tag)                   ? Kind::link
           : special                                     ? Kind::other
           : (raw.flags & FILE_ATTRIBUTE_DIRECTORY) != 0 ? Kind::directory
                                                         : Kind::file;
  a.size = a.kind == Kind::file ? raw.size : 0;
  a.mode = a.kind == Kind::link                         ? 0120777
           : a.kind == Kind::other                      ? 0010644
           : a.kind == Kind::directory                  ? 0040755
           : (raw.flags & FILE_ATTRIBUTE_READONLY) != 0 ? 0100444
                                                        : 0100644;
  a.links = raw.links;
  a.accessed = seconds(raw.accessed);
  a.modified = seconds(raw.modified);
  a.version = {raw.device, raw.number, a.size, (raw.changed - epoch) * 100};
  return a;
}

Result<Attributes> attributes_of(HANDLE handle) {
  RawAttributes raw;
  BY_HANDLE_FILE_INFORMATION info{};
  FILE_BASIC_INFO basic{};
  if (::GetFileType(handle) != FILE_TYPE_DISK) {
    Attributes other;
    other.mode = 0010644;
    return other;
  }
  if (!::GetFileInformationByHandle(handle, &info) ||
      !::GetFileInformationByHandleEx(handle, FileBasicInfo, &basic, sizeof basic))
    return std::unexpected(last_error());
  raw.flags = info.dwFileAttributes;
  if ((raw.flags & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
    FILE_ATTRIBUTE_TAG_INFO tag{};
    if (!::GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &tag, sizeof tag))
      return std::unexpected(last_error());
    raw.tag = tag.ReparseTag;
  }
  raw.size = joined(info.nFileSizeHigh, info.nFileSizeLow);
  raw.device = info.dwVolumeSerialNumber;
  raw.number = joined(info.nFileIndexHigh, info.nFileIndexLow);
  raw.links = info.nNumberOfLinks;
  raw.accessed = ticks(info.ftLastAccessTime);
  raw.modified = ticks(info.ftLastWriteTime);
  raw.changed = basic.ChangeTime.QuadPart;
  return attributes_of(raw);
}

std::error_code set_times_of(HANDLE handle, const Times& times) {
  const auto accessed = file_time(times.accessed), modified = file_time(times.modified);
  return ::SetFileTime(handle, nullptr, &accessed, &modified) ? std::error_code() : last_error();
}

Result<Attributes> File::attributes() const { return attributes_of(native(handle_)); }

// One call a piece: Windows scatters only whole pages into pieces that begin at one.
Result<std::size_t> File::read(Pieces pieces, std::uint64_t offset) const {
  constexpr std::size_t most = 1 << 30;
  std::size_t total = 0;
  for (auto piece : pieces) {
    while (!piece.empty()) {
      OVERLAPPED place{};
      place.Offset = static_cast<DWORD>((offset + total) & 0xffffffff);
      place.OffsetHigh = static_cast<DWORD>((offset + total) >> 32);
      DWORD got = 0;
      if (!::ReadFile(native(handle_), piece.data(), static_cast<DWORD>(std::min(piece.size(), most)), &got,
                      &place)) {
        if (::GetLastError() == ERROR_HANDLE_EOF) return total;
        return std::unexpected(last_error());
      }
      if (got == 0) return total;
      total += got;
      piece = piece.subspan(got);
    }
  }
  return total;
}

// Windows does not say what its cache has. An overlapped read that comes back as pending was not in the
// cache; but it goes on, and cannot be taken back without waiting.
Result<std::size_t> File::read_cached(Pieces, std::uint64_t) const {
  return std::unexpected(std::make_error_code(std::errc::operation_would_block));
}

bool File::is_cached(std::uint64_t, std::uint64_t size) const { return size == 0; }

}  // namespace storage
