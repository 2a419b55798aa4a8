#include <chrono>

#include "server/doctor/firewall.hpp"
#include "server/os/kernel.hpp"
#include "server/os/program.hpp"

namespace server::doctor {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 10s;
constexpr std::size_t most_text = 2 << 20;

}  // namespace

// netsh speaks the language of the host, so that its rules cannot be judged; whether there is one of this
// name it tells by its exit status.
FirewallReading read_firewall() {
  FirewallReading reading;
  reading.local_ports = local_ports();
  const auto shown =
      run_program({"netsh", "advfirewall", "firewall", "show", "rule", "name=apdepot"}, patience, most_text);
  if (!shown) {
    reading.failure =
        "the Windows firewall does not answer: `netsh advfirewall show currentprofile` says why";
  } else if (shown->status != 0) {
    reading.failure =
        "the Windows firewall has no rule apdepot, so that it may stop what devices ask for: `apdepot "
        "service "
        "install` makes it";
  } else {
    reading.failure =
        "the Windows firewall has the rule apdepot, which is not judged here: `netsh advfirewall firewall "
        "show "
        "rule name=apdepot verbose` shows it, and another rule may forbid what it allows";
  }
  return reading;
}

}  // namespace server::doctor
