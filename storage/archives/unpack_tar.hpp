#pragma once
#include "storage/archives/archive.hpp"
#include "storage/archives/packed_stream.hpp"

namespace storage {

// unpack() for a tar, as it is or packed as a whole. The members come back in the order of the archive, and
// `target` is not synced yet.
Unpacked unpack_tar(const File& archive, Packing packing, const std::filesystem::path& target,
                    const UnpackLimits& limits, const Heard& heard);

}  // namespace storage
