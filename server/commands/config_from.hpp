#pragma once
#include <string>

namespace server {

// An apdepot.yaml that does what the configuration `file` of another program does, with a comment for each
// thing that differs. Nothing of `file` stands in it unescaped. Throws conf::ConfigError.
std::string config_from(const std::string& file);

}  // namespace server
