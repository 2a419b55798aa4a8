#include "storage/images/foreign_archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "storage/archives/member_name.hpp"
#include "storage/archives/zip_end.hpp"
#include "storage/files/file.hpp"
#include "storage/images/image_name.hpp"

namespace storage {
namespace {

struct Mark {
  std::size_t at;
  std::string_view bytes, kind;
};
using namespace std::string_view_literals;
constexpr std::array<Mark, 14> marks{{{0, "7z\xbc\xaf\x27\x1c"sv, "7-Zip"},
                                      {0, "Rar!\x1a\x07"sv, "RAR"},
                                      {4, "1AY&SY"sv, "bzip2"},
                                      {0, "\x28\xb5\x2f\xfd"sv, "Zstandard"},
                                      {0, "\x04\x22\x4d\x18"sv, "LZ4"},
                                      {0, "LZIP\x01"sv, "lzip"},
                                      {0, "\x89LZO\0\r\n\x1a\n"sv, "lzop"},
                                      {0, "\x1f\x9d"sv, "compress (.Z)"},
                                      {0, "\x5d\0\0\x80\0\xff\xff\xff"sv, "LZMA"},
                                      {0, "MSCF\0\0\0\0"sv, "Cabinet"},
                                      {0, "!<arch>\n"sv, "ar"},
                                      {2, "-lh5-"sv, "LHA"},
                                      {0, "xar!\0\x1c"sv, "xar"},
                                      {0, "PK\x07\x08"sv, "split ZIP"}}};
constexpr std::size_t end_record = 22, longest_comment = 0xffff;

std::string text_at(const File& file, std::uint64_t offset, std::size_t size) {
  std::string text(size, '\0');
  const std::span<std::byte> whole = std::as_writable_bytes(std::span(text));
  const auto got = file.read({&whole, 1}, offset);
  if (!got) throw std::system_error(got.error(), "cannot read the file");
  text.resize(*got);
  return text;
}

// What does not begin as a ZIP and ends as one: the last part of several, or a program that unpacks itself.
bool ends_as_zip(const File& file) {
  const std::uint64_t size = file.at_open().size;
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(size, end_record + longest_comment));
  const auto tail = text_at(file, size - length, length);
  const auto at = tail.rfind("PK\x05\x06");
  if (at == std::string::npos || tail.size() - at < end_record) return false;
  const auto record = std::as_bytes(std::span(tail)).subspan(at);
  return at + end_record + number_at<std::uint16_t>(record, 20) == tail.size();
}

// bundle.zip.001, bundle.z01
bool is_name_of_part(std::string_view name) {
  const auto lower = folded(name);
  const auto digits = lower.size() - (lower.find_last_not_of("0123456789") + 1);
  const auto stem = std::string_view(lower).substr(0, lower.size() - digits);
  return digits >= 2 && (stem.ends_with(".zip.") || stem.ends_with(".z"));
}

constexpr std::string_view join_them =
    "it is one part of an archive that was split: join the parts (`7z x` of the first part, or `cat "
    "NAME.zip.0* > "
    "NAME.zip`), and import the whole";

}  // namespace

std::string_view foreign_archive(std::string_view beginning) {
  for (const auto& mark : marks)
    if (beginning.substr(std::min(mark.at, beginning.size())).starts_with(mark.bytes)) return mark.kind;
  return {};
}

std::string foreign_archive_advice(const File& file, BundleFormat format, std::string_view name) {
  if (read_image_header(file)) return {};  // whose first bytes may be any
  if (format == BundleFormat::packed)
    return "it is one file, packed by gzip or xz: unpack it (`gunzip FILE`, `unxz FILE`), and import what "
           "comes "
           "out";
  if (format == BundleFormat::zip && is_name_of_part(name)) return std::string(join_them);
  if (format != BundleFormat::other) return {};
  const auto beginning = text_at(file, 0, 512);
  const auto kind = foreign_archive(beginning);
  if (kind == "split ZIP") return std::string(join_them);
  if (!kind.empty())
    return fmt::format(
        "it is packed by {}, which apdepot does not unpack: unpack it, and import the vendor's own file that "
        "comes out, or pack the images as a plain ZIP or tar",
        kind);
  if (!ends_as_zip(file)) return {};
  if (beginning.starts_with("MZ") || beginning.starts_with("\x7f"
                                                           "ELF"))
    return "it is a program that unpacks itself: run it, or open it with `unzip`, and import what comes out";
  return std::string(join_them);
}

}  // namespace storage
