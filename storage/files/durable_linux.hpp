#pragma once

namespace storage {

// What durable.hpp does by path, for whoever holds a directory's handle. As the system's calls: 0, or -1 and
// errno.

// Each name is relative to its directory. EEXIST rather than onto something that exists.
int rename_new(int from_directory, const char* from, int to_directory, const char* to);
int sync_directory(int directory);

}  // namespace storage
