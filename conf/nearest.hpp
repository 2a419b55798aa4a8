#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace conf {

// The one of `names` that a typing mistake could have made into `name`; empty when none is near.
std::string nearest(std::string_view name, const std::vector<std::string>& names);

}  // namespace conf
