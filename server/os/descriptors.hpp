#pragma once
#include <cstddef>
#include <cstdint>

namespace server {

// Sockets and files that this process may have open.
std::size_t most_descriptors();

// Whether `handle`, which has just been opened, lies in the last quarter of the descriptors that this process
// may have: they are TFTP's, the log's and the files' of those who are served already. Linux gives the lowest
// number that is free, so a high one says that the others are taken; Windows counts them.
bool is_of_the_reserve(std::intptr_t handle);

}  // namespace server
