// Linked into apdepot_failing, which is apdepot but for this: a test may have any allocation fail. The order
// lies in a file that both map, failing_memory.py's Order; APDEPOT_FAILING_MEMORY names it.
//
// Operator new is what our own code, the standard library, Asio, fmt and yaml-cpp allocate with. Without
// sanitizers, which have a malloc of their own, that of libssh, libcrypto and libarchive can be counted too.
#include <execinfo.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <new>

extern "C" {
extern const char __executable_start;
#ifndef __SANITIZE_ADDRESS__
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
#endif
}

namespace {

struct Order {
  std::atomic<std::uint64_t> nth;       // the allocation that fails, from 1; 0: none, and none is counted
  std::atomic<std::uint64_t> in_a_row;  // so many fail of the thread that meets it
  std::atomic<std::uint64_t> malloc_too;
  std::atomic<std::uint64_t> number;  // of the order itself
  std::atomic<std::uint64_t> counted, failed;
  std::atomic<std::uint64_t> depth;                   // of the stack of the first one that failed
  std::array<std::atomic<std::uint64_t>, 48> frames;  // of that, from the start of the program's image
};

struct Mine {  // of a thread
  std::uint64_t number = 0, left = 0;
  bool busy = false;
};
thread_local Mine mine;

Order* map_order() {
  const char* const name = std::getenv("APDEPOT_FAILING_MEMORY");
  if (!name)
    return nullptr;  // the process that reads archives, which has no environment: its memory is its own
  const int file = ::open(name, O_RDWR | O_CLOEXEC);
  void* const memory = ::mmap(nullptr, sizeof(Order), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) std::abort();
  ::close(file);
  void* first_use_allocates = nullptr;
  ::backtrace(&first_use_allocates, 1);
  return static_cast<Order*>(memory);
}

Order* const order = map_order();

void note_stack() {
  std::array<void*, 48> frames;
  const auto depth = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  const auto start = reinterpret_cast<std::uintptr_t>(&__executable_start);
  for (std::size_t i = 0; i < static_cast<std::size_t>(depth); ++i) {
    order->frames[i] = reinterpret_cast<std::uintptr_t>(frames[i]) - start;
  }
  order->depth = static_cast<std::uint64_t>(depth);
}

bool fails() {
  if (!order || mine.busy) return false;  // the former before main()
  const auto nth = order->nth.load();
  if (nth == 0) return false;
  const auto number = order->number.load();
  if (mine.number == number && mine.left > 0) {
    --mine.left;
    ++order->failed;
    return true;
  }
  if (++order->counted != nth) return false;
  mine = {number, order->in_a_row - 1, true};
  note_stack();
  mine.busy = false;
  ++order->failed;
  return true;
}

// What operator new takes its memory from is not counted again.
void* take(std::size_t size) {
#ifdef __SANITIZE_ADDRESS__
  return std::malloc(size);
#else
  return __libc_malloc(size);
#endif
}

void* allocate(std::size_t size) {
  void* const memory = fails() ? nullptr : take(size > 0 ? size : 1);
  if (!memory) throw std::bad_alloc();
  return memory;
}

void* allocate(std::size_t size, std::align_val_t alignment) {
  void* memory = nullptr;
  const auto least = std::max(static_cast<std::size_t>(alignment), sizeof(void*));
  if (fails() || ::posix_memalign(&memory, least, size) != 0) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate(size, alignment); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return allocate(size, alignment); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return fails() ? nullptr : take(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return fails() ? nullptr : take(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#ifndef __SANITIZE_ADDRESS__
namespace {
bool malloc_fails() {
  if (!order || order->malloc_too == 0 || !fails()) return false;
  errno = ENOMEM;
  return true;
}
}  // namespace

// In front of the C library's, for the libraries that are linked.
extern "C" {
void* malloc(std::size_t size) noexcept { return malloc_fails() ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) noexcept {
  return malloc_fails() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  return malloc_fails() ? nullptr : __libc_realloc(memory, size);
}
}
#endif
