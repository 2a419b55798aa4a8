#pragma once
#include <optional>
#include <string>

#include "storage/files/path.hpp"

namespace storage {

// What nobody sees at the start or the end of a name: blanks and quotation marks that came along from a form
// or a command line, line ends, the byte 0xff that old boot ROMs add, and whatever else does not show.
struct Unseen {
  Path path;         // without it; "/" where nothing else was there
  std::string what;  // "\"ap1g7 \" ends with a blank"; of several names the last
};
// Nothing for a path whose names show all that they hold.
std::optional<Unseen> find_unseen(const Path& asked);

}  // namespace storage
