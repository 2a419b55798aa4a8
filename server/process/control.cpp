#include "server/process/control.hpp"

#include <fmt/format.h>

#include <system_error>

#include "server/process/listen.hpp"

namespace server {

Control::Control(net::io_context& loop, Events& events, Running& running, const storage::Depot& depot,
                 std::function<Api::Now()> now)
    : loop_(loop),
      events_(events),
      depot_(depot),
      api_({running, tally_, recent_, std::move(now), depot.directory().string()}),
      listener_(loop, router_) {
  api_.offer(router_);
  events_.listen([this](const Event& event) {
    tally_.count(event);
    recent_.note(event, Recent::Clock::now());
  });
}

void Control::begin(const conf::Metrics& settings) {
  try {
    listener_.serve(ControlSocket(loop_, depot_.state()));
  } catch (const std::system_error& e) {
    const bool other = e.code() == std::errc::address_in_use;
    events_.emit(event::Warned{
        fmt::format("`apdepot status` cannot ask this server: {}",
                    other ? "another server of this depot answers it" : std::string(e.what()))});
  }
  for (const auto& endpoint : settings.listen) {
    error_code error;
    const auto address = net::ip::make_address(endpoint.address, error);
    auto acceptor = error ? std::nullopt : open_listener(loop_, tcp::endpoint(address, endpoint.port), error);
    if (acceptor) {
      listener_.serve(std::move(*acceptor));
    } else {
      events_.emit(event::Warned{fmt::format("metrics are not served on {}: {}; change metrics.listen",
                                             endpoint.text(), error.message())});
    }
  }
}

}  // namespace server
