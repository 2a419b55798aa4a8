#pragma once
#include <string>

namespace storage {
class Depot;
}  // namespace storage

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

// For a first run without a configuration: what to type next, here and on the controller, with this host's
// addresses filled in. `program` is apdepot as the administrator called it.
std::string first_steps(const conf::Settings& settings, const storage::Depot& depot,
                        const std::string& program, bool usual_ports);

}  // namespace server
