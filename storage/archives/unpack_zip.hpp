#pragma once
#include "storage/archives/archive.hpp"

namespace storage {

// unpack() for a ZIP: judged by its own list of members, unpacked by libarchive.
void unpack_zip(const File& archive, const UnpackLimits& limits, MemberSink& sink);

}  // namespace storage
