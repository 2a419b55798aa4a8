#include <malloc.h>

#include "server/os/heap.hpp"

namespace server {

std::size_t size_on_heap(const void* block) { return ::malloc_usable_size(const_cast<void*>(block)); }

}  // namespace server
