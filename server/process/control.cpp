#include "server/process/control.hpp"

#include <fmt/format.h>

#include <system_error>

#include "conf/settings.hpp"
#include "server/api/log.hpp"
#include "server/api/recent.hpp"
#include "server/events/events.hpp"
#include "server/events/warning.hpp"
#include "server/files/library.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/succeeds.hpp"
#include "server/process/listen.hpp"

namespace server {

Control::Control(const Process& process)
    : loop_(process.loop),
      disk_(process.lanes.disk),
      events_(process.events),
      depot_(process.library.depot),
      stream_(process.loop, process.running, log_),
      api_({process.loop, process.lanes, process.events, process.running, tally_, recent_, process.library,
            process.settings, process.now, process.keep,
            [this](const std::string& counted) { stream_.tell("health", "health", counted); },
            process.config}),
      page_(process.loop, process.lanes, process.events, process.settings, process.library.depot,
            process.certificate),
      listener_(loop_, process.lanes.negotiating, router_, [this](http::Door door, unsigned status) {
        succeeds([&] { ++tally_.http_requests[{word(door), status}]; });
      }) {
  api_.offer(router_);
  page_.offer(router_);
  stream_.offer(router_);
  offer_log(router_, loop_, log_);
  events_.listen([this](const Event& event) { note(event); });
}

// An event goes on to others where there is no memory to note it.
void Control::note(const Event& event) noexcept {
  succeeds([&] { tally_.count(event); });
  succeeds([&] { recent_.note(event, Recent::Clock::now()); });
  succeeds([&] { stream_.note(event); });
  succeeds([&] { api_.note(event); });
}

// Viewers read it: the code stays with who sees the server's terminal or the log itself.
void Control::keep(const LogLine& line, const std::string& kind) noexcept {
  succeeds([&] { log_.note(line.level, page_.without_code(line.text), kind, RecentLog::Clock::now()); });
}

void Control::drain() { stream_.end(); }

// On a worker: the depot may lie on a dead disk by now.
void Control::end() {
  listener_.close();
  api_.stop();
  stream_.end();
  disk_.post([file = std::move(file_)]() mutable { const auto removed = std::move(file); });
}

void Control::begin(const conf::Metrics& settings, std::vector<tcp::acceptor> page) {
  api_.begin();
  page_.begin(std::move(page), listener_);
  try {
    ControlSocket socket(loop_, depot_.state());
    listener_.serve_control(std::move(socket.acceptor), std::move(socket.key));
    file_ = std::move(socket.file);
  } catch (const std::system_error& e) {
    const bool other = e.code() == std::errc::address_in_use;
    events_.warn(Warning::control_socket,
                 fmt::format("`apdepot status` cannot ask this server: {}",
                             other ? "another server of this depot answers it" : std::string(e.what())));
  }
  for (const auto& endpoint : settings.listen) {
    error_code error;
    const auto address = net::ip::make_address(endpoint.address, error);
    auto acceptor = error ? std::nullopt : open_listener(loop_, tcp::endpoint(address, endpoint.port), error);
    if (acceptor) {
      listener_.serve_metrics(std::move(*acceptor));
    } else {
      events_.warn(Warning::metrics, fmt::format("metrics are not served on {}: {}; change metrics.listen",
                                                 endpoint.text(), error.message()));
    }
  }
}

}  // namespace server
