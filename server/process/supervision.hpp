#pragma once
#include <functional>
#include <optional>

#include "server/loop/net.hpp"
#include "server/loop/reserved_memory.hpp"
#include "server/process/status_line.hpp"

namespace server {

// Keeps the service manager informed: feeds its watchdog from the loop, so that a server whose loop hangs is
// restarted, and tells the status. Does nothing where there is no manager. Lives on the loop.
class Supervision {
 public:
  using Numbers = std::function<StatusLine::Numbers()>;

  Supervision(net::io_context& loop, Numbers numbers);
  void begin();  // once the manager was told that the server is ready

 private:
  void feed();
  void look();

  const Numbers numbers_;
  StatusLine status_;
  std::optional<std::chrono::microseconds> interval_;
  net::steady_timer feeding_, looking_;
  const WaitMemory feeding_memory_, looking_memory_;
};

}  // namespace server
