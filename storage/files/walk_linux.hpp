#pragma once
#include "storage/files/file.hpp"
#include "storage/files/path.hpp"

namespace storage {

// Does what openat2 with RESOLVE_IN_ROOT does, a component at a time and without following a link in the
// kernel, for kernels and containers that refuse openat2, and for pointers (pointer.hpp), which no kernel
// knows; these are followed where `pointers` is true. `root` is a directory; `flags` are open's. The answer
// is the same, except that a directory moved out of the root while it is being walked is not noticed (the
// kernel's is).
Result<Handle> walk(int root, const Path& path, int flags, bool pointers);

}  // namespace storage
