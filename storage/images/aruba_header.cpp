#include "storage/images/aruba_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/files/digest.hpp"
#include "storage/files/file.hpp"

namespace storage {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t mark_at = 12, build_at = 20, version_at = 276, type_at = 301, machine_at = 303;
constexpr std::size_t payload_at = 0, format_at = 4, checksum_at = 8, image_size_at = 304, next_at = 308,
                      md5_at = 312;
constexpr std::size_t build_size = 256, version_size = 24, md5_size = 16;
constexpr std::string_view mark("ARUBA\0\0\0", 8);
constexpr std::uint32_t signature_follows = 0x01111111;
constexpr std::size_t block_size = 256 << 10;  // whole words

std::uint32_t word_at(Bytes bytes, std::size_t at) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4; ++i) word = word << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return word;
}

std::string text_at(Bytes bytes, std::size_t at, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + at, size);
  return std::string(text.substr(0, text.find('\0')));
}

// The words of what is fed to it, the last one filled up with zeros.
class WordSum {
 public:
  void update(Bytes bytes) {
    for (const auto byte : bytes) {
      sum_ += std::to_integer<std::uint32_t>(byte) << (24 - 8 * place_);
      place_ = (place_ + 1) % 4;
    }
  }
  std::uint32_t sum() const { return sum_; }

 private:
  std::uint32_t sum_ = 0;
  unsigned place_ = 0;
};

std::size_t read_some(const File& file, std::uint64_t offset, std::span<std::byte> into) {
  std::size_t have = 0;
  while (have < into.size()) {
    const auto rest = into.subspan(have);
    const auto got = file.read({&rest, 1}, offset + have);
    if (!got) throw std::system_error(got.error(), "cannot read the image");
    if (*got == 0) break;
    have += *got;
  }
  return have;
}

struct Sums {
  std::uint32_t words = 0;
  std::string md5;
};

// Over the header and `length` bytes after it. For the MD5 its own place and the checksum's count as zeros.
Sums sums_of(const File& file, std::uint64_t length) {
  std::vector<std::byte> block(block_size);
  std::array<std::byte, aruba_header_size> header{};
  read_some(file, 0, header);
  WordSum words;
  words.update(header);
  std::fill_n(header.begin() + checksum_at, 4, std::byte{0});
  std::fill_n(header.begin() + md5_at, md5_size, std::byte{0});
  Digest md5(DigestKind::md5);
  md5.update(header);
  for (std::uint64_t done = 0; done < length;) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), length - done));
    const auto got = read_some(file, aruba_header_size + done, std::span(block).first(want));
    if (got == 0) break;
    words.update(Bytes(block).first(got));
    md5.update(Bytes(block).first(got));
    done += got;
  }
  return {words.sum(), md5.hex()};
}

std::string hex(Bytes bytes) {
  std::string text;
  for (const auto byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

std::string sums_damage(const ArubaHeader& header, const Sums& sums) {
  if (sums.words != 0) return fmt::format("its checksum is wrong (the header says {:08x})", header.checksum);
  if (header.has_md5() && sums.md5 != hex(header.md5))
    return fmt::format("its MD5 is {}, and its header says {}", sums.md5, hex(header.md5));
  return {};
}

}  // namespace

bool ArubaHeader::has_md5() const {
  return std::ranges::any_of(md5, [](std::byte byte) { return byte != std::byte{0}; });
}

std::optional<ArubaHeader> parse_aruba_header(std::span<const std::byte, aruba_header_size> bytes) {
  if (text_at(bytes, mark_at, mark.size()) != "ARUBA" ||
      !std::ranges::equal(bytes.subspan(mark_at, mark.size()), std::as_bytes(std::span(mark))))
    return std::nullopt;
  ArubaHeader header{.payload = word_at(bytes, payload_at),
                     .format = word_at(bytes, format_at),
                     .checksum = word_at(bytes, checksum_at),
                     .build = text_at(bytes, build_at, build_size),
                     .version = text_at(bytes, version_at, version_size),
                     .type = std::to_integer<std::uint8_t>(bytes[type_at]),
                     .machine = std::to_integer<std::uint8_t>(bytes[machine_at]),
                     .image_size = word_at(bytes, image_size_at),
                     .is_signed = word_at(bytes, next_at) == signature_follows,
                     .md5 = {}};
  std::ranges::copy(bytes.subspan(md5_at, md5_size), header.md5.begin());
  return header;
}

std::string aruba_type(std::uint8_t type) {
  static constexpr std::array<std::string_view, 12> names{
      "OS",           "FPGA",         "CPBOOT",       "APBOOT",  "TPMINFO", "APBOOT stage",
      "APBOOT stage", "APBOOT stage", "OS ancillary", "XLOADER", "GRUB",    "LSM"};
  return type < names.size() ? std::string(names[type]) : fmt::format("type {}", type);
}

std::string aruba_machine(std::uint8_t machine) {
  static constexpr std::pair<std::uint8_t, std::string_view> names[]{
      {0, "a controller"}, {10, "TALISKER"},  {15, "ARRAN"},       {25, "ARDMORE"},
      {30, "SPRINGBANK"},  {40, "OCTOMORE"},  {46, "GLENFIDDICH"}, {48, "GLENMORANGIE"},
      {55, "MASTERSON"},   {57, "KILCHOMAN"}, {59, "LAGAVULIN"}};
  for (const auto& [number, name] : names)
    if (number == machine) return std::string(name);
  return fmt::format("machine {}", machine);
}

std::string describe(const ArubaHeader& header) {
  return fmt::format("{} image {} for {}, {}", aruba_type(header.type), header.version,
                     aruba_machine(header.machine), header.build);
}

std::optional<ArubaHeader> read_aruba_header(const File& file) {
  std::array<std::byte, aruba_header_size> bytes{};
  if (read_some(file, 0, bytes) < bytes.size()) return std::nullopt;
  return parse_aruba_header(bytes);
}

std::string aruba_length_damage(const ArubaHeader& header, std::uint64_t size) {
  const auto behind = size - aruba_header_size;
  if (header.payload == 0) return "its header says that nothing follows";
  if (behind < header.payload)
    return fmt::format("it is cut: {} bytes should follow the header, and {} do", header.payload, behind);
  return {};
}

std::string aruba_damage(const File& file, const ArubaHeader& header) {
  const auto size = file.at_open().size, behind = size - aruba_header_size;
  if (auto damage = aruba_length_damage(header, size); !damage.empty()) return damage;
  // What a signature behind the image adds to, sources do not agree on: either length will do.
  std::string damage = sums_damage(header, sums_of(file, header.payload));
  if (!damage.empty() && header.is_signed && header.image_size != header.payload &&
      header.image_size <= behind)
    damage = sums_damage(header, sums_of(file, header.image_size));
  return damage;
}

}  // namespace storage
