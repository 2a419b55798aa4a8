#include "storage/archives/unpack_plan.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "storage/archives/admission.hpp"
#include "storage/archives/clutter.hpp"
#include "storage/archives/member_name.hpp"
#include "storage/archives/rejected.hpp"

namespace storage {
namespace {

constexpr std::uint16_t encrypted = 1 << 0 | 1 << 6 | 1 << 13;  // classic, strong, and with hidden names
constexpr std::uint16_t stored = 0, deflated = 8;
constexpr unsigned made_on_unix = 3, made_on_macos = 19;
constexpr std::uint32_t file_type_bits = 0170000, regular_file = 0100000, folder = 0040000;  // of a Unix mode
constexpr std::uint32_t dos_folder = 0x10, dos_volume_label = 0x08, windows_link = 0x400;
constexpr std::uint64_t small = 1 << 20;  // a small file of zeros may have any ratio: it does no harm

bool is_folder(const ZipMember& member) { return member.name.ends_with('/'); }

// A folder's name ends in a slash; the attributes must not say anything else.
void check_kind(const ZipMember& member) {
  const auto system = static_cast<unsigned>(member.made_by >> 8);
  const std::uint32_t type = member.attributes >> 16 & file_type_bits;
  const bool typed = (system == made_on_unix || system == made_on_macos) && type != 0;
  const bool contradicts = typed && type != (is_folder(member) ? folder : regular_file);
  const std::uint32_t strange = windows_link | dos_volume_label | (is_folder(member) ? 0 : dos_folder);
  if (contradicts || (!typed && (member.attributes & strange) != 0))
    throw Rejected(
        fmt::format("the archive's member {} is a link, a device or another special file; apdepot unpacks "
                    "plain files only",
                    in_quotes(member.name)));
  if (is_folder(member) && member.size != 0)
    throw Rejected(fmt::format("the archive's member {} is a folder with content", in_quotes(member.name)));
}

// As PKWARE's APPNOTE numbers them.
std::string method_name(std::uint16_t method) {
  constexpr std::array<std::pair<std::uint16_t, std::string_view>, 10> names{{{1, "Shrink"},
                                                                              {6, "Implode"},
                                                                              {9, "Deflate64"},
                                                                              {12, "bzip2"},
                                                                              {14, "LZMA"},
                                                                              {20, "Zstandard"},
                                                                              {93, "Zstandard"},
                                                                              {95, "xz"},
                                                                              {98, "PPMd"},
                                                                              {99, "AES encryption"}}};
  for (const auto& [number, name] : names)
    if (number == method) return fmt::format("{} (method {})", name, number);
  return fmt::format("method {}", method);
}

void check_member(const ZipMember& member) {
  check_kind(member);
  if ((member.flags & encrypted) != 0)
    throw Rejected(
        fmt::format("the archive's member {} is encrypted; unpack it with its password and make a plain ZIP",
                    in_quotes(member.name)));
  // The other methods let an archive ask for gigabytes of memory.
  if (member.method != stored && member.method != deflated)
    throw Rejected(fmt::format(
        "the archive's member {} is compressed by {}, which apdepot does not read: make the ZIP with "
        "Deflate, the usual method",
        in_quotes(member.name), method_name(member.method)));
}

void check_ratio(std::uint64_t size, std::uint64_t packed, const UnpackLimits& limits,
                 const std::string& what) {
  if (size <= small || size / limits.max_ratio <= packed) return;
  throw Rejected(fmt::format("{} would grow from {} bytes to {}; import.max_ratio allows a factor of {}",
                             what, packed, size, limits.max_ratio));
}

void check_ratios(const UnpackPlan& plan, const UnpackLimits& limits) {
  std::uint64_t packed = 0;
  for (const auto& [member, name, clutter] : plan.targets) {
    check_ratio(member.size, member.packed, limits, "the archive's member " + in_quotes(member.name));
    packed += member.packed;
  }
  check_ratio(plan.total, packed, limits, "the archive");
}

}  // namespace

UnpackPlan plan_unpacking(std::vector<ZipMember> members, const UnpackLimits& limits) {
  UnpackPlan plan;
  Admission admission(limits);
  for (auto& member : members) {
    auto name = admission.admit(member.name, member.size);
    const bool clutter = is_clutter(member.name);
    if (!clutter) check_member(member);
    plan.targets.push_back({std::move(member), std::move(name), clutter});
  }
  if (!admission.any_file()) throw Rejected("the archive holds no file");
  plan.total = admission.total();
  plan.left_out = admission.take_left_out();
  check_ratios(plan, limits);
  return plan;
}

}  // namespace storage
