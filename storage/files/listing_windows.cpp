#include "storage/files/listing_windows.hpp"

extern "C" NTSTATUS NTAPI NtQueryDirectoryFile(HANDLE, HANDLE, PIO_APC_ROUTINE, PVOID, PIO_STATUS_BLOCK,
                                               PVOID, ULONG, FILE_INFORMATION_CLASS, BOOLEAN, PUNICODE_STRING,
                                               BOOLEAN);

namespace storage {
namespace {

constexpr auto no_more_files = static_cast<NTSTATUS>(0x80000006),
               no_such_file =
                   static_cast<NTSTATUS>(0xC000000F);  // a folder without "." has nothing: a volume's root

struct Found {  // FILE_ID_BOTH_DIR_INFORMATION
  ULONG next, index;
  LARGE_INTEGER created, accessed, written, changed, size, allocated;
  ULONG attributes, name_length, tag;  // the tag of a reparse point; the size of extended attributes else
  CCHAR short_name_length;
  WCHAR short_name[12];
  LARGE_INTEGER number;
  WCHAR name[1];
};

}  // namespace

Listing::Listing(HANDLE folder, std::span<std::uint64_t> buffer)
    : folder_(folder), buffer_(buffer), device_(0) {
  BY_HANDLE_FILE_INFORMATION info{};
  if (::GetFileInformationByHandle(folder, &info)) device_ = info.dwVolumeSerialNumber;
}

std::optional<Listing::Entry> Listing::next(std::error_code& error) noexcept {
  error.clear();
  for (;;) {
    if (!next_) {
      IO_STATUS_BLOCK io{};
      const auto status = ::NtQueryDirectoryFile(folder_, nullptr, nullptr, nullptr, &io, buffer_.data(),
                                                 static_cast<ULONG>(buffer_.size_bytes()),
                                                 FileIdBothDirectoryInformation, FALSE, nullptr, !begun_);
      begun_ = true;
      if (status == no_more_files || status == no_such_file) return std::nullopt;
      if (status < 0) {
        error = error_of_status(status);
        return std::nullopt;
      }
      next_ = reinterpret_cast<const std::byte*>(buffer_.data());
    }
    const auto& found = *reinterpret_cast<const Found*>(next_);
    next_ = found.next == 0 ? nullptr : next_ + found.next;
    const std::wstring_view name(found.name, found.name_length / sizeof(wchar_t));
    if (name == L"." || name == L"..") continue;
    Entry entry{name, {}};
    auto& raw = entry.raw;
    raw.flags = found.attributes;
    raw.tag = (raw.flags & FILE_ATTRIBUTE_REPARSE_POINT) != 0 ? found.tag : 0;
    raw.size = static_cast<std::uint64_t>(found.size.QuadPart);
    raw.device = device_;
    raw.number = static_cast<std::uint64_t>(found.number.QuadPart);
    raw.accessed = found.accessed.QuadPart;
    raw.modified = found.written.QuadPart;
    raw.changed = found.changed.QuadPart;
    return entry;
  }
}

}  // namespace storage
