#include "conf/host_example.hpp"

namespace conf {

std::string example_of_host(std::string_view text) { return std::string(text); }

}  // namespace conf
