#pragma once
#include <string_view>

#include "server/events/events.hpp"

namespace server {

// Why a login failed, as JSON and the history have it. Pure; any thread.
std::string_view word(event::LoginFault fault);

}  // namespace server
