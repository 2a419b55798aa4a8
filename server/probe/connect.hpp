#pragma once
#include <chrono>

#include "server/loop/net.hpp"
#include "server/probe/report.hpp"
#include "server/probe/target.hpp"

namespace server::probe {

// Connects `socket` to the server of `target` over TCP, for at most `patience`, and fills in whom the report
// is about. False: the report says why not. Blocks, and runs the socket's loop.
bool connect_to(const Target& target, std::chrono::milliseconds patience, net::io_context& loop,
                tcp::socket& socket, Report& report);

}  // namespace server::probe
