#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "storage/archives/archive_reader.hpp"

namespace storage {

// Reads archives in a process apart, which has no right but to read the archive and to say what it holds
// (reader_process.hpp): hostile bytes reach libarchive, zlib and liblzma in there only. The files are written
// here. What the process says is checked again (ReaderAnswer); when it dies, comes to its limit of memory or
// says nothing for `patience`, the archive is rejected. No process outlives a call, or the thread that made
// it.
//
// Any thread may call, and waits: a worker, or the command line. Safe in a process with threads.
class ReaderApart final : public ArchiveReader {
 public:
  // `command`: this very program, which must give `read_archive_word` to read_archive(); a test has others.
  explicit ReaderApart(std::vector<std::string> command = own_command(),
                       std::chrono::milliseconds patience = std::chrono::minutes(10));

  // Starts a process only for what is packed by gzip or xz: what else a file is, its first bytes tell.
  BundleFormat format_of(const File& file, const UnpackLimits& limits) const override;
  void unpack(const File& archive, BundleFormat format, const UnpackLimits& limits,
              MemberSink& sink) const override;

 private:
  static std::vector<std::string> own_command();

  const std::vector<std::string> command_;
  const std::chrono::milliseconds patience_;
};

}  // namespace storage
