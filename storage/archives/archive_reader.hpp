#pragma once
#include "storage/archives/bundle_format.hpp"
#include "storage/archives/member_sink.hpp"
#include "storage/archives/unpack_limits.hpp"

namespace storage {

class File;

// Who reads archives for an import: a process apart (reader_apart.hpp), or what a test puts in its place.
class ArchiveReader {
 public:
  virtual ~ArchiveReader() = default;
  // As the functions of these names (bundle_format.hpp, archive.hpp), and with their errors.
  virtual BundleFormat format_of(const File& file, const UnpackLimits& limits) const = 0;
  virtual void unpack(const File& archive, BundleFormat format, const UnpackLimits& limits,
                      MemberSink& sink) const = 0;
};

}  // namespace storage
