#pragma once
#include <string>

#include "storage/files/nt_windows.hpp"
#include "storage/files/path.hpp"

namespace storage {

// Opens what the path leads to below the folder `root`, a name at a time, each by the handle of the folder
// before it, and follows links itself: the system follows none. Relative links work inside the root, and one
// that begins at the root of its disk begins at this root, as in a chroot; a junction or an absolute link
// leads to what lies below this root, and nowhere else. Pointers (pointer.hpp) are followed where `pointers`
// is true. `flags` are those of root_windows.hpp.
//
// A name of the path must be written as it is on the disk, upper and lower case too; so no file has two
// names, and its short name (`PROGRA~1`) is not one. At last the system is asked where that lies which was
// opened: anything else than the names that were walked is refused.
Result<Handle> walk(HANDLE root, const Path& path, int flags, bool pointers);

// What an open link says.
Result<std::string> link_text(HANDLE link);

}  // namespace storage
