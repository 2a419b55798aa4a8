#pragma once
#include <string>
#include <string_view>

namespace conf {

// conf/apdepot.yaml as it is on this system: the places and the ways of Linux that it speaks of are Windows'
// there. The defaults are read from the result. Pure; any thread.
std::string example_of_host(std::string_view text);

}  // namespace conf
