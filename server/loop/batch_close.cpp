#include "server/loop/batch_close.hpp"

#include <utility>

#include "server/loop/succeeds.hpp"
#include "server/loop/workers.hpp"

namespace server {

void BatchClose::add(std::shared_ptr<const void> held) {
  held_.push_back(std::move(held));
  if (std::exchange(waits_, true)) return;
  timer_.expires_after(pause);
  const bool waits = succeeds([&] {
    timer_.async_wait(net::bind_allocator(memory_.allocator(), [this](error_code error) {
      if (!error) close();
    }));
  });
  if (!waits) close();
}

void BatchClose::close() {
  waits_ = false;
  workers_.post([all = std::exchange(held_, {})]() mutable { all.clear(); });
}

}  // namespace server
