#pragma once
#include <string_view>

namespace server {

namespace event {
enum class LoginFault;
}

// Why a login failed, as JSON and the history have it. Pure; any thread.
std::string_view word(event::LoginFault fault);
// Why there was none, in the history: no algorithm in common, or none without ssh.compatibility: legacy.
constexpr std::string_view no_algorithm = "no_algorithm", needs_legacy = "needs_legacy";

}  // namespace server
