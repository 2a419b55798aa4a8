#pragma once
#include <chrono>
#include <memory>
#include <vector>

#include "server/loop/net.hpp"
#include "server/loop/reserved_memory.hpp"

namespace server {

class Workers;

// Files that nobody reads any more, closed by a worker, all of some milliseconds together: to close one may
// wait for its disk, and to wake a thread for each costs more than to close it. Lives on the loop; whatever
// it still holds when it ends is closed there.
class BatchClose {
 public:
  static constexpr std::chrono::milliseconds pause{5};

  BatchClose(net::io_context& loop, Workers& workers) : workers_(workers), timer_(loop) {}

  // Should it throw, memory is short, and what it was given is closed at once.
  void add(std::shared_ptr<const void> held);

 private:
  void close();

  Workers& workers_;
  net::steady_timer timer_;
  const WaitMemory memory_;
  std::vector<std::shared_ptr<const void>> held_;
  bool waits_ = false;
};

}  // namespace server
