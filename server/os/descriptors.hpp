#pragma once
#include <cstddef>

namespace server {

// Sockets and files that this process may have open.
std::size_t most_descriptors();

// Whether `handle`, which has just been opened, lies in the last quarter of the descriptors that this process
// may have: they are TFTP's, the log's and the files' of those who are served already. The system gives the
// lowest number that is free, so a high one says that the others are taken.
bool is_of_the_reserve(int handle);

}  // namespace server
