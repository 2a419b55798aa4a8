#include <malloc.h>

#include "server/os/heap.hpp"

namespace server {

// libssh is part of this program, and has its heap.
std::size_t size_on_heap(const void* block) { return ::_msize(const_cast<void*>(block)); }

}  // namespace server
