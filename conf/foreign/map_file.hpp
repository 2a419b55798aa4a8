#pragma once
#include <string>
#include <string_view>

#include "conf/foreign/draft.hpp"

namespace conf::foreign {

// tftpd-hpa's map file as lookup.aliases. Names that begin with `folder` begin with "/" here; empty: none
// does.
void read_map(std::string_view text, const std::string& file, std::string_view folder, Draft& draft);

}  // namespace conf::foreign
