#pragma once
#include "storage/files/nt_windows.hpp"
#include "storage/files/root.hpp"

namespace storage {

// Root::resolve's flags are rights (FILE_READ_DATA, DELETE; FILE_READ_ATTRIBUTES and SYNCHRONIZE come by
// themselves) and these.
constexpr int only_folder = 1 << 26;  // errc::not_a_directory for all else
constexpr int keep_link = 1 << 27;    // a link as the last component is opened, and not followed

// The folder that `handle` has open with FILE_LIST_DIRECTORY.
Directory directory_of(Handle handle, bool pointers = false);

}  // namespace storage
