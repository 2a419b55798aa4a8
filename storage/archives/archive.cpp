#include "storage/archives/archive.hpp"

#include <fmt/format.h>

#include <system_error>

#include "storage/archives/packed_stream.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/unpack_tar.hpp"
#include "storage/archives/unpack_zip.hpp"
#include "storage/files/digest.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/files/whole_file.hpp"

namespace storage {
namespace {

Packing packing_in(BundleFormat format) {
  return format == BundleFormat::tar_gz   ? Packing::gzip
         : format == BundleFormat::tar_xz ? Packing::xz
                                          : Packing::none;
}

}  // namespace

void unpack(const File& archive, BundleFormat format, const UnpackLimits& limits, MemberSink& sink) {
  if (!is_archive(format)) throw Rejected("the file is not an archive; was the right file downloaded?");
  if (format == BundleFormat::zip) return unpack_zip(archive, limits, sink);
  unpack_tar(archive, packing_in(format), limits, sink);
}

Member copy_file(const File& file, const std::filesystem::path& target, const std::string& name,
                 const Heard& heard) {
  check_space(target, file.at_open().size);
  NewFile copy(target, name);
  Digest digest(DigestKind::sha256);
  read_whole(file, [&](std::span<const std::byte> bytes) {
    digest.update(bytes);
    copy.write(bytes);
    if (heard) heard(bytes.size());
  });
  copy.sync();
  sync_directory(target);
  return {name, file.at_open().size, digest.hex()};
}

void check_space(const std::filesystem::path& target, std::uint64_t needed) {
  const auto available = std::filesystem::space(target).available;
  if (available < needed)
    throw std::system_error(std::make_error_code(std::errc::no_space_on_device),
                            fmt::format("unpacking needs {} bytes and {} are free", needed, available));
}

}  // namespace storage
