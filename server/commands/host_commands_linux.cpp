#include "server/commands/host_commands.hpp"

namespace server {

std::span<const Command* const> host_commands() { return {}; }

}  // namespace server
