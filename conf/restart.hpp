#pragma once
#include <string>
#include <vector>

namespace conf {

struct Settings;

// The keys, "tftp.single_port", whose values differ and that a running server takes at its next start only.
std::vector<std::string> keys_that_wait(const Settings& running, const Settings& loaded);

}  // namespace conf
