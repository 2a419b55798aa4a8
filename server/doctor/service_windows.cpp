#include <system_error>

#include "server/doctor/service.hpp"
#include "server/os/service_control.hpp"

namespace server::doctor {

// The Service Control Manager in the words of systemd. It counts no restarts.
Units read_units() try {
  const auto state = service_state();
  Units units;
  if (!state.installed) return units;
  units.service.load = "loaded";
  units.service.active = state.running() ? "active" : state.state == "starting" ? "activating" : state.state;
  units.service.enabled = state.automatic ? "enabled" : "disabled";
  return units;
} catch (const std::system_error& e) {
  Units none;
  none.failure = e.what();
  return none;
}

}  // namespace server::doctor
