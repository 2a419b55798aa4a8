#include <chrono>
#include <exception>

#include "server/doctor/firewall.hpp"
#include "server/doctor/iptables_rules.hpp"
#include "server/doctor/nft_ruleset.hpp"
#include "server/os/identity.hpp"
#include "server/os/kernel.hpp"
#include "server/os/program.hpp"
#include "server/text/escape.hpp"

namespace server::doctor {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 10s;
constexpr std::size_t most_rules = 2 << 20;  // bytes of JSON

}  // namespace

FirewallReading read_firewall() {
  FirewallReading reading;
  reading.local_ports = local_ports();
  if (!own_account().is_root()) {
    reading.failure = "only root may read the firewall's rules";
    return reading;
  }
  if (has_legacy_rules()) {
    reading.failure =
        "the firewall has rules of iptables-legacy, which are not judged here: "
        "`iptables-legacy -S INPUT` shows them";
    return reading;
  }
  if (!has_program("nft")) {
    reading.failure = "there is no nft to read the firewall's rules with: `apt install nftables`";
    return reading;
  }
  const auto printed = run_program({"nft", "-j", "list", "ruleset"}, patience, most_rules);
  if (!printed || printed->status != 0) {
    reading.failure = "nft could not print the firewall's rules: `nft list ruleset` says why";
    return reading;
  }
  try {
    reading.filter = parse_nft_ruleset(printed->text);
    if (const auto saved = run_program({"iptables-save"}, patience, most_rules); saved && saved->status == 0)
      add_iptables_rules(saved->text, *reading.filter);
  } catch (const std::exception& e) {
    reading.failure = escaped(e.what(), most_of_ours);
    return reading;
  }
  reading.has_firewalld = reading.filter->has_table("firewalld");
  reading.has_ufw = reading.filter->find("ip", "filter", "ufw-before-input") != nullptr;
  return reading;
}

}  // namespace server::doctor
