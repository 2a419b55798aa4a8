#pragma once
#include <filesystem>
#include <optional>

namespace storage {

// What of the depot in `directory` this process may not read or write as it must, the first that is found:
// most likely another user's run, root's, has made it. Nothing where all is well, or nothing is there yet.
// What lies in images/ is not looked at, for an administrator may put it there as whoever. May wait for the
// disk.
std::optional<std::filesystem::path> out_of_reach(const std::filesystem::path& directory);

}  // namespace storage
