#pragma once
#include <string>

#include "server/doctor/packet_filter.hpp"

namespace server::doctor {

// Adds to `filter` what `iptables-save` printed. nft shows the same chains, but not what the matches of
// iptables say: those that are there already are replaced. What is not understood becomes a condition or an
// action that may be anything. Pure.
void add_iptables_rules(const std::string& saved, PacketFilter& filter);

}  // namespace server::doctor
