#pragma once

namespace storage {

// What durable.hpp does by path, for whoever holds a directory's handle. As the system's calls: 0, or -1 and
// errno.

// `to` is relative to `directory`. EEXIST rather than onto something that exists.
int rename_new(const char* from, int directory, const char* to);
int sync_directory(int directory);

}  // namespace storage
