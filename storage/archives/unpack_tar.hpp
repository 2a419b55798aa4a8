#pragma once
#include "storage/archives/archive.hpp"
#include "storage/archives/packed_stream.hpp"

namespace storage {

// unpack() for a tar, as it is or packed as a whole.
void unpack_tar(const File& archive, Packing packing, const UnpackLimits& limits, MemberSink& sink);

}  // namespace storage
