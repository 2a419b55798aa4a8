#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "server/loop/net.hpp"

namespace server {

// What the host asks of a running server. Linux: SIGINT and SIGTERM, SIGHUP. Windows: Ctrl-C, Ctrl-Break, the
// console that closes, a stop of the service; its SERVICE_CONTROL_PARAMCHANGE; and the events
// Local\apdepot-PID-stop and Local\apdepot-PID-reload, for whoever has no console in common with it.
enum class HostSignal : std::uint8_t { end, reload };

// From its making on none of them ends the process. Lives on the loop. Throws std::system_error.
class HostSignals {
 public:
  explicit HostSignals(net::io_context& loop);
  HostSignals(const HostSignals&) = delete;
  HostSignals& operator=(const HostSignals&) = delete;
  ~HostSignals();

  // Each one is told, until this goes away, also where memory has run out.
  void heed(std::function<void(HostSignal)> heed);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace server
