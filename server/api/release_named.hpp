#pragma once
#include <string>

#include "storage/files/path.hpp"

namespace storage {
class Root;
}  // namespace storage

namespace server {

// RELEASE of a command line: a path, or any spelling that fits exactly one release below `root`. Throws
// std::runtime_error with a sentence that names those that there are. May wait for the disk.
storage::Path find_release(const storage::Root& root, const std::string& wanted);

}  // namespace server
