#pragma once
#include <functional>

#include "conf/settings.hpp"
#include "server/api/api.hpp"
#include "server/http/listener.hpp"
#include "server/loop/workers.hpp"
#include "storage/depot/depot.hpp"

namespace server {

// Where a running server is asked about itself: the control socket in the depot's state/, and the addresses
// of `metrics.listen`. Counts from the start on. Lives on the loop.
class Control {
 public:
  Control(net::io_context& loop, Workers& disk, Events& events, Running& running, const storage::Depot& depot,
          std::function<Api::Now()> now);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // What cannot be opened is a warning: devices get their files all the same.
  void begin(const conf::Metrics& settings);
  void end();

 private:
  void note(const Event& event) noexcept;

  net::io_context& loop_;
  Workers& disk_;
  Events& events_;
  const storage::Depot& depot_;
  Tally tally_;
  Recent recent_;
  Api api_;
  http::Router router_;
  http::Listener listener_;
  SocketFile file_;
};

}  // namespace server
