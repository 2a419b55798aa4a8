#pragma once
#include "storage/files/nt_windows.hpp"

namespace storage {

Result<Attributes> attributes_of(HANDLE handle);
std::error_code set_times_of(HANDLE handle, const Times& times);  // opened with FILE_WRITE_ATTRIBUTES

// What the system tells of an entry, wherever it tells it. Times are in its own: 100 ns since 1601.
struct RawAttributes {
  DWORD flags = 0;  // FILE_ATTRIBUTE_...
  DWORD tag = 0;    // where FILE_ATTRIBUTE_REPARSE_POINT is among them
  std::uint64_t size = 0, device = 0, number = 0;
  std::uint32_t links = 1;
  std::int64_t accessed = 0, modified = 0, changed = 0;
};
Attributes attributes_of(const RawAttributes& raw);

// Whether such an entry leads elsewhere: a symbolic link, a junction or a mounted volume. All other reparse
// points are files and folders that a driver keeps in its own way (deduplicated, compressed, in a cloud).
bool is_link(DWORD flags, DWORD tag);

}  // namespace storage
