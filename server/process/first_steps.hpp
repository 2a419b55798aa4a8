#pragma once
#include <string>

#include "server/files/shared.hpp"

namespace server {

// For a first run without a configuration: what to type next, here and on the controller, with this host's
// addresses filled in. `program` is apdepot as the administrator called it.
std::string first_steps(const Shared& shared, const std::string& program, bool usual_ports);

}  // namespace server
