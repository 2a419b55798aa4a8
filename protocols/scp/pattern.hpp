#pragma once
#include <string_view>

namespace scp {

// Whether a shell would expand `pattern` ("ap1g[4-8]*", no '/') to the file `name`. `*` and `?` are not for a
// dot in front. A backslash takes the meaning from what follows it.
bool matches(std::string_view pattern, std::string_view name);

}  // namespace scp
