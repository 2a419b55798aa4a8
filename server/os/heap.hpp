#pragma once
#include <cstddef>

namespace server {

// Bytes that the heap keeps for what malloc() gave out: those that were asked for, or a few more. Any thread.
std::size_t size_on_heap(const void* block);

}  // namespace server
