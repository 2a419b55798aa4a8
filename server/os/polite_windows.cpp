#include "server/os/polite.hpp"

#include <windows.h>

namespace server {

// Background mode lowers the priority of processor and disk. It also lowers that of memory, so far that the
// thread reads its own pages again and again: that one is set back.
void be_polite() {
  const auto thread = ::GetCurrentThread();
  ::SetThreadPriority(thread, THREAD_MODE_BACKGROUND_BEGIN);
  MEMORY_PRIORITY_INFORMATION memory{MEMORY_PRIORITY_NORMAL};
  ::SetThreadInformation(thread, ThreadMemoryPriority, &memory, sizeof memory);
}

}  // namespace server
