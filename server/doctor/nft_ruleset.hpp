#pragma once
#include <string>

#include "server/doctor/packet_filter.hpp"

namespace server::doctor {

// Of what `nft -j list ruleset` prints. What is not understood becomes a condition or an action that may be
// anything. Throws std::runtime_error for what is no ruleset. Pure.
PacketFilter parse_nft_ruleset(const std::string& json);

}  // namespace server::doctor
