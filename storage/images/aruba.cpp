// Aruba's images are single files that begin with a header (aruba_header), but for those of switches.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "storage/archives/member_name.hpp"
#include "storage/files/file.hpp"
#include "storage/images/aruba_header.hpp"
#include "storage/images/vendors.hpp"

namespace storage {
namespace {

constexpr std::size_t wireless_fields = 4, switch_fields = 3;

// ArubaOS_72xx_8.6.0.4_74969, ArubaInstant_...
bool is_aruba_name(std::string_view name) {
  const auto lower = folded(name);
  return lower.starts_with("arubaos_") || lower.starts_with("arubainstant_");
}

std::optional<Version> version_of_aruba(std::string_view name) {
  return version_within(name, wireless_fields);
}

// ArubaOS-CX_6200_10_08_0001.swi
bool is_switch_image_name(std::string_view name) { return folded(name).ends_with(".swi"); }

// The series stands before the version, and is a number too.
std::optional<Version> version_of_switch(std::string_view name) {
  constexpr std::string_view beginning = "arubaos-cx_";
  if (folded(name).starts_with(beginning))
    name.remove_prefix(std::min(name.find('_', beginning.size()), name.size()));
  return version_within(name, switch_fields);
}

constexpr std::array products{Product{.name = "Aruba",
                                      .is_image = is_aruba_name,
                                      .version_in = version_of_aruba,
                                      .structure = Structure::header,
                                      .claims_paths = true},
                              Product{.name = "ArubaOS-CX",
                                      .is_image = is_switch_image_name,
                                      .version_in = version_of_switch,
                                      .is_packed = true}};

std::optional<ImageHeader> read_header(const File& file) {
  const auto header = read_aruba_header(file);
  if (!header) return {};
  return ImageHeader{&products.front(), header->version};
}

bool has_aruba_mark(std::string_view beginning) {
  constexpr std::size_t mark_at = 12;
  return beginning.size() > mark_at && beginning.substr(mark_at).starts_with("ARUBA");
}

std::optional<ArubaHeader> header_in(std::string_view beginning) {
  if (beginning.size() < aruba_header_size) return {};
  return parse_aruba_header(std::as_bytes(std::span(beginning)).first<aruba_header_size>());
}

// Of what is not stored, the length is all that can be compared.
std::string damage_of(const ImageFacts& facts, const ArubaHeader& header) {
  return facts.file ? aruba_damage(*facts.file, header) : aruba_length_damage(header, facts.size);
}

void check_aruba(const ImageFacts& facts, const ArubaHeader& header, ImageCheck& check) {
  constexpr std::uint32_t known_format = 2;
  if (const auto damage = damage_of(facts, header); !damage.empty())
    check.damage = fmt::format("{} ({}) is damaged: {}; download or copy it again", in_quotes(facts.name),
                               in_quotes(describe(header)), damage);
  else if (header.format != known_format)
    check.doubts.push_back(fmt::format("{} has a header of format {}; apdepot knows format {}",
                                       in_quotes(facts.name), header.format, known_format));
}

bool judge(const ImageFacts& facts, ImageCheck& check) {
  const auto name = facts.name, beginning = facts.beginning;
  if (beginning.size() < aruba_header_size && (has_aruba_mark(beginning) || is_aruba_name(name))) {
    check.damage = fmt::format(
        "{} is cut: it has {} bytes, and an Aruba image begins with a header of {}; "
        "download or copy it again",
        in_quotes(name), beginning.size(), aruba_header_size);
  } else if (const auto header = header_in(beginning)) {
    check_aruba(facts, *header, check);
  } else if (is_aruba_name(name)) {
    check.doubts.push_back(
        fmt::format("{}: header not recognised; nothing of it could be checked", in_quotes(name)));
  } else {
    return false;
  }
  return true;
}

std::string kind_of(std::string_view beginning) {
  const auto header = header_in(beginning);
  return header ? "Aruba image, " + describe(*header) : "";
}

}  // namespace

extern const Vendor aruba{
    .name = "Aruba", .products = products, .read_header = read_header, .check = judge, .kind_of = kind_of};

}  // namespace storage
