#pragma once
#include <span>

namespace server {

struct Command;

extern const Command service_command;  // Windows alone

// The commands that this system alone has, in the order of `apdepot --help`: on Windows `service`.
std::span<const Command* const> host_commands();

}  // namespace server
