#pragma once
#include <windows.h>

#include <filesystem>

namespace storage {

// What the bits of a mode come to on Windows, at the making of a file or folder. Where neither the group nor
// others have a bit (0600, 0700): an access list of its own, which nothing is inherited into, for SYSTEM, the
// administrators, the service (NT SERVICE\apdepot) and the account of this process. Else null: as the folder
// passes on. Any thread. Throws std::system_error.
PSECURITY_DESCRIPTOR rights_of(unsigned mode);

// Lets what was moved inherit from the folder that it lies in now, with all below it; Windows leaves a moved
// file the rights that its old folder passed on. What has rights of its own keeps them. Where that is refused
// everything stays as it was: the rights are then too few, never too many.
void inherit_rights(const std::filesystem::path& moved) noexcept;

}  // namespace storage
