#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "storage/archives/bundle_format.hpp"
#include "storage/archives/member.hpp"
#include "storage/archives/member_sink.hpp"
#include "storage/archives/unpack_limits.hpp"

namespace storage {

// Hears how many bytes were just dealt with; on the thread that works.
using Heard = std::function<void(std::uint64_t bytes)>;

// What was unpacked, and what was left out.
struct Unpacked {
  std::vector<Member> members;        // by name
  std::vector<std::string> left_out;  // clutter (clutter.hpp), raw: it was not unpacked
};

// Reads `archive` and gives `sink` what it holds: regular files only, one common leading folder stripped,
// every checksum that stands in the archive checked. A ZIP is judged whole before its first member is given;
// of a tar, which cannot be known before it was read, each member is before it is given. Here hostile bytes
// reach libarchive, zlib and liblzma: an import has this done by a process apart (reader_apart.hpp).
//
// Throws Rejected for an archive that is damaged, hostile, beyond the limits or no archive; std::system_error
// when it cannot be read.
void unpack(const File& archive, BundleFormat format, const UnpackLimits& limits, MemberSink& sink);

// Puts a file that is not an archive, or must not be unpacked, into `target` in the same way. Reads it as
// read_whole() does, and throws what that throws.
Member copy_file(const File& file, const std::filesystem::path& target, const std::string& name,
                 const Heard& heard = {});

// Throws std::system_error with the figures when the file system of `target` has not so many bytes left.
void check_space(const std::filesystem::path& target, std::uint64_t needed);

}  // namespace storage
