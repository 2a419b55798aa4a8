#pragma once
#include "storage/archives/archive.hpp"

namespace storage {

// unpack() for a ZIP: judged by its own list of members, unpacked by libarchive. The members come back in the
// order of the archive, and `target` is not synced yet.
Unpacked unpack_zip(const File& archive, const std::filesystem::path& target, const UnpackLimits& limits,
                    const Heard& heard);

}  // namespace storage
