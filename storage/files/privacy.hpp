#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace storage {

// Who besides its owner has access to a file of secrets. Any thread; may wait for the disk.

// `anybody`: the owner's group, or everybody. `everybody`: who has no more to do with the file than to be a
// user of this host. Linux: by the mode. Windows: by the access list, in which SYSTEM, the administrators,
// the service apdepot and who asks do not count, and everybody is Everyone, Users, Authenticated Users,
// Guests and anonymous logins.
enum class Others : std::uint8_t { anybody, everybody };
// Whether they may read or write it. False where the file cannot be examined.
bool have_access(Others who, const std::filesystem::path& file);
// The command that takes their access away, to be shown: "chmod 600 FILE".
std::string command_against(Others who, const std::filesystem::path& file);

}  // namespace storage
