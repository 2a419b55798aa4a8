#include "server/ssh/message.hpp"

#include <cstdlib>
#include <cstring>

#include "server/os/heap.hpp"

namespace server::ssh {

// libssh makes each message by calloc(), of a size that it does not tell but the heap knows. Messages own
// what they point to, so a copy is as good as the first, which must then forget it: of a message without a
// kind ssh_message_free() frees the record alone.
Message take_over(ssh_message shown) {
  const auto size = size_on_heap(shown);
  void* const record = std::calloc(1, size);
  if (!record) return {};
  std::memcpy(record, static_cast<const void*>(shown), size);
  std::memset(static_cast<void*>(shown), 0, size);
  return Message(static_cast<ssh_message>(record));
}

}  // namespace server::ssh
