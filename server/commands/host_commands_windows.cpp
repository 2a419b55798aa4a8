#include "server/commands/host_commands.hpp"

#include <array>

namespace server {

std::span<const Command* const> host_commands() {
  static constexpr std::array all{&service_command};
  return all;
}

}  // namespace server
