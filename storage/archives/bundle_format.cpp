#include "storage/archives/bundle_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "storage/archives/member_name.hpp"
#include "storage/archives/packed_stream.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/tar_header.hpp"
#include "storage/archives/zip_end.hpp"
#include "storage/files/file.hpp"

namespace storage {
namespace {

struct Extension {
  std::string_view text;
  bool of_tar;     // else of one packed file, or of a ZIP
  bool of_packed;  // gzip or xz alone keep the promise
};
constexpr std::array<Extension, 8> extensions{{{".tar.gz", true, false},
                                               {".tar.xz", true, false},
                                               {".tgz", true, false},
                                               {".txz", true, false},
                                               {".tar", true, false},
                                               {".zip", false, false},
                                               {".gz", false, true},
                                               {".xz", false, true}}};

const Extension* extension_of(std::string_view name) {
  const std::string lower = folded(name);
  const auto found =
      std::ranges::find_if(extensions, [&lower](const auto& e) { return lower.ends_with(e.text); });
  return found == extensions.end() ? nullptr : &*found;
}

// A ZIP without a member begins with its end record.
bool is_zip(std::span<const std::byte> beginning) {
  constexpr std::uint32_t local = 0x04034b50, end = 0x06054b50;
  if (beginning.size() < 4) return false;
  const auto mark = number_at<std::uint32_t>(beginning, 0);
  return mark == local || mark == end;
}

// A header, or what was one before it was damaged.
bool is_tar_block(TarBlock block) { return parse_tar_header(block) || has_tar_magic(block); }

// A file's first bytes.
class Beginning {
 public:
  explicit Beginning(const File& file) {
    const std::span<std::byte> whole = block_;
    const auto got = file.read({&whole, 1}, 0);
    if (!got) throw std::system_error(got.error(), "cannot read the bundle");
    if (*got == 0) throw Rejected("the file is empty; download or copy it again");
    size_ = *got;
  }
  std::span<const std::byte> bytes() const { return std::span(block_).first(size_); }

  std::optional<BundleFormat> format() const {
    if (is_zip(bytes())) return BundleFormat::zip;
    if (packing_of(bytes()) != Packing::none) return std::nullopt;
    return size_ == tar_block && is_tar_block(block_) ? BundleFormat::tar : BundleFormat::other;
  }

 private:
  std::array<std::byte, tar_block> block_{};
  std::size_t size_ = 0;
};

// Its first block is a header; of an empty one, zeros.
bool begins_as_tar(const File& file, Packing packing, const UnpackLimits& limits) try {
  PackedStream stream(file, packing, limits);
  std::array<std::byte, tar_block> block{};
  return stream.read(block) == block.size() && (is_tar_block(block) || is_zero_block(block));
} catch (const Rejected&) {  // packed data that are damaged so early tell nothing
  return false;
}

}  // namespace

BundleFormat format_of(const File& file, const UnpackLimits& limits) {
  const Beginning beginning(file);
  if (const auto format = beginning.format()) return *format;
  const auto packing = packing_of(beginning.bytes());
  if (!begins_as_tar(file, packing, limits)) return BundleFormat::packed;
  return packing == Packing::gzip ? BundleFormat::tar_gz : BundleFormat::tar_xz;
}

std::optional<BundleFormat> format_without_unpacking(const File& file) { return Beginning(file).format(); }

bool is_archive(BundleFormat format) {
  return format != BundleFormat::packed && format != BundleFormat::other;
}

void check_promise(std::string_view name, BundleFormat format) {
  const auto* extension = extension_of(name);
  if (extension == nullptr || is_archive(format)) return;
  if (extension->of_packed && format == BundleFormat::packed) return;
  const auto* kind = extension->of_tar ? "tar" : extension->of_packed ? "packed" : "ZIP";
  throw Rejected(fmt::format(
      "the file is not a {} archive, which its name promises; was the right file downloaded, and whole?",
      kind));
}

std::string_view without_archive_extension(std::string_view name) {
  if (const auto* extension = extension_of(name)) name.remove_suffix(extension->text.size());
  return name;
}

}  // namespace storage
