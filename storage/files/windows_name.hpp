#pragma once
#include <string_view>

namespace storage {

// Whether a file or folder of Windows may have this name (UTF-8): not a device in any folder (NUL, com1.txt),
// not with a dot or a blank at its end, which most programs drop, and without what stands for a stream, a
// wildcard or a separator. apdepot neither makes nor opens any other there. Pure; any thread.
bool is_windows_name(std::string_view name);

}  // namespace storage
