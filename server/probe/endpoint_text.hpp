#pragma once
#include <string>

#include "server/loop/net.hpp"

namespace server::probe {

// "192.0.2.1:69", "[2001:db8::2]:69".
std::string endpoint_text(const udp::endpoint& endpoint);
std::string endpoint_text(const tcp::endpoint& endpoint);

}  // namespace server::probe
