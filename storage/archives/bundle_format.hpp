#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/archives/unpack_limits.hpp"

namespace storage {

class File;

// What a file holds, told by its content and never by its name.
enum class BundleFormat : std::uint8_t {
  zip,
  tar,
  tar_gz,
  tar_xz,
  packed,  // by gzip or xz, but no tar
  other    // no archive that apdepot knows: an image, or whatever it is
};

// Reads the beginning. Throws Rejected for an empty file, std::system_error when the disk fails.
BundleFormat format_of(const File& file, const UnpackLimits& limits);
// The same without unpacking anything: nothing for what is packed by gzip or xz.
std::optional<BundleFormat> format_without_unpacking(const File& file);
bool is_archive(BundleFormat format);
// Throws Rejected when the name promises an archive (.zip, .tar, .gz, .tgz, .xz, .txz) and the content is
// none.
void check_promise(std::string_view name, BundleFormat format);
// `name` without an archive's extension: "images.tar.gz" becomes "images".
std::string_view without_archive_extension(std::string_view name);

}  // namespace storage
