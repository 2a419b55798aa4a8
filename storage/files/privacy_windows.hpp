#pragma once
// For *_windows.cpp alone.
#include <windows.h>

namespace storage {

// Whether SYSTEM, the administrators, the service apdepot or the account of this process owns an open folder,
// and nobody else may write in it, by its access list. True on a file system that has neither access lists
// nor links, such as FAT. `folder` is open with READ_CONTROL. Any thread; may wait for the disk.
bool is_ours(HANDLE folder);

// Whether anybody else may write in an open file or folder, or give that right to himself. True where the
// system does not tell, and on a file system that has no access lists. Likewise.
bool may_be_changed_by_others(HANDLE entry);

}  // namespace storage
