#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "storage/files/root.hpp"

namespace storage {

// What stands in the way of a name that looks as if it were there.
struct Obstacle {
  enum class Kind : std::uint8_t {
    leads_out,      // a link to something outside the root
    leads_nowhere,  // a link to what does not exist, or back to itself
    closed,         // a folder or file that this user may not read
  } kind;
  Path at;                     // the link, folder or file
  std::string target = {};     // what the link says: a path of the host
  Attributes attributes = {};  // of what is closed
};

// Walks along `path`, over links as the root follows them. Nothing where every part is in reach, or where the
// name is simply not there. May wait for the disk.
std::optional<Obstacle> find_obstacle(const Root& root, const Path& path);

}  // namespace storage
