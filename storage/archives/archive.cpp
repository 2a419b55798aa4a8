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

namespace storage {
namespace {

constexpr std::size_t block_size = 256 << 10;

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
  std::vector<std::byte> block(block_size);
  Member member{name, 0, {}};
  for (;;) {
    const std::span<std::byte> whole = block;
    const auto got = file.read({&whole, 1}, member.size);
    if (!got) throw std::system_error(got.error(), "cannot read the image");
    if (*got == 0) break;
    digest.update(whole.first(*got));
    copy.write(whole.first(*got));
    member.size += *got;
    if (heard) heard(*got);
  }
  copy.sync();
  sync_directory(target);
  member.sha256 = digest.hex();
  return member;
}

void check_space(const std::filesystem::path& target, std::uint64_t needed) {
  const auto available = std::filesystem::space(target).available;
  if (available < needed)
    throw std::system_error(std::make_error_code(std::errc::no_space_on_device),
                            fmt::format("unpacking needs {} bytes and {} are free", needed, available));
}

}  // namespace storage
