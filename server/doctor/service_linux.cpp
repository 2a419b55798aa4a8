#include "server/doctor/service.hpp"
#include "server/os/kernel.hpp"
#include "server/os/program.hpp"

namespace server::doctor {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 5s;
constexpr std::size_t most_text = 64 << 10;

}  // namespace

Units read_units() {
  Units none;
  none.failure = "this host does not run systemd: what starts the server at the next boot cannot be seen";
  if (!has_systemd()) return none;
  const auto shown = run_program(
      {"systemctl", "show", "--property",
       "LoadState,ActiveState,UnitFileState,NRestarts,ActiveEnterTimestampMonotonic", "apdepot.service",
       "apdepot-tftp.socket", "apdepot-ssh.socket", "apdepot-http.socket", "apdepot-https.socket"},
      patience, most_text);
  if (shown && shown->status == 0) return units_in(shown->text);
  none.failure = "systemd does not answer: `systemctl show apdepot` says why";
  return none;
}

}  // namespace server::doctor
