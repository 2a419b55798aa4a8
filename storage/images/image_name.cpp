#include "storage/images/image_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "storage/archives/member_name.hpp"
#include "storage/images/layout.hpp"
#include "storage/images/release_name.hpp"
#include "storage/images/version.hpp"

namespace storage {
namespace {

constexpr std::size_t aruba_fields = 4, ios_xe_fields = 3, express_fields = 5, switch_fields = 3;
constexpr std::string_view express_mark = "-me-";

// The first version of at least three fields in a name, of which at most `most` are taken:
// "17.09.04a" of "C9800-L-universalk9_wlc.17.09.04a.SPA.bin".
std::optional<Version> version_within(std::string_view name, std::size_t most) {
  for (std::size_t at = 1; at < name.size(); ++at) {
    const bool begins = std::string_view("._-").find(name[at - 1]) != std::string_view::npos;
    if (!begins || name[at] < '0' || name[at] > '9') continue;
    if (const auto text = leading_version(name.substr(at), most)) return Version::parse(*text);
  }
  return std::nullopt;
}

// Classic IOS writes 15.3(3)JF15 as "153-3.JF15" in a file's name; an AireOS version stands there as it is.
std::optional<Version> version_of_ap_tar(std::string_view name) {
  const auto lower = folded(name);
  const auto mark = lower.find("tar.");
  if (mark == std::string::npos) return version_within(name, aruba_fields);
  auto rest = std::string_view(lower).substr(mark + 4);
  rest.remove_suffix(std::min<std::size_t>(rest.size(), 4));  // ".tar"
  const auto dash = rest.find('-'), dot = rest.find('.');
  if (dash != 3 || dot == std::string_view::npos || dot < dash) return version_within(name, aruba_fields);
  return Version::parse(fmt::format("{}.{}({}){}", rest.substr(0, 2), rest.substr(2, 1),
                                    rest.substr(dash + 1, dot - dash - 1), rest.substr(dot + 1)));
}

// ArubaOS-CX_6200_10_08_0001.swi: the series stands before the version, and is a number too.
std::optional<Version> version_of_switch(std::string_view name) {
  constexpr std::string_view beginning = "arubaos-cx_";
  if (folded(name).starts_with(beginning))
    name.remove_prefix(std::min(name.find('_', beginning.size()), name.size()));
  return version_within(name, switch_fields);
}

ReleaseName unknown(std::string warning) {
  return {.product = std::string(other_product), .release = {}, .warnings = {std::move(warning)}};
}

ReleaseName known(std::string product, const std::optional<Version>& version, std::string_view name) {
  if (!version) return unknown(fmt::format("{} has no version in its name", in_quotes(name)));
  return {.product = std::move(product), .release = version->joined('_'), .warnings = {}};
}

ReleaseName name_aruba(std::string_view name, const std::optional<ArubaHeader>& header) {
  const auto in_name = version_within(name, aruba_fields);
  const auto in_header = header ? Version::parse(header->version) : std::nullopt;
  auto release = known("Aruba", in_header ? in_header : in_name, name);
  if (in_header && in_name && in_header != in_name)
    release.warnings.push_back(
        fmt::format("the image contradicts itself about its version: its header says {}, its name says {}; "
                    "the header counts",
                    in_header->joined('.'), in_name->joined('.')));
  return release;
}

}  // namespace

bool is_aruba_name(std::string_view name) {
  const auto lower = folded(name);
  return lower.starts_with("arubaos_") || lower.starts_with("arubainstant_");
}

bool is_controller_name(std::string_view name) {
  constexpr std::array<std::string_view, 5> endings{".spa.bin", ".ssa.bin", ".iso", ".ova", ".qcow2"};
  const auto lower = folded(name);
  return (lower.starts_with("c9800-") || lower.starts_with("cw9800")) && !lower.starts_with("c9800-ap-") &&
         std::ranges::any_of(endings, [&lower](auto ending) { return lower.ends_with(ending); });
}

bool is_conversion_image_name(std::string_view name) {
  const auto lower = folded(name);
  return lower.ends_with(".tar") && lower.find(express_mark) != std::string::npos;
}

bool is_patch_name(std::string_view name) {
  const auto lower = folded(name);
  return lower.ends_with(".apsp.bin") || lower.ends_with(".apdp.bin") || lower.ends_with(".smu.bin");
}

bool is_ap_tar_name(std::string_view name) {
  const auto lower = folded(name);
  return lower.ends_with(".tar") && is_image_family(lower.substr(0, lower.find('-'))) &&
         lower.find("-k9w") != std::string::npos;
}

bool is_switch_image_name(std::string_view name) { return folded(name).ends_with(".swi"); }

bool is_single_image_name(std::string_view name) {
  return is_aruba_name(name) || is_controller_name(name) || is_conversion_image_name(name) ||
         is_patch_name(name) || is_ap_tar_name(name) || is_switch_image_name(name);
}

bool is_bundle_member_name(std::string_view name) {
  constexpr std::array<std::string_view, 4> others{"c9800-ap-iosxe-wlc.bin", "controller_version.info",
                                                   "version.info", "readme.txt"};
  const auto lower = folded(name);
  return is_image_family(lower) || std::ranges::find(others, lower) != others.end();
}

bool is_image_name(std::string_view name) {
  const auto lower = folded(name);
  return is_image_family(lower) || is_single_image_name(lower) || lower == "c9800-ap-iosxe-wlc.bin";
}

ReleaseName name_image(std::string_view name, const std::optional<ArubaHeader>& header) {
  if (header || is_aruba_name(name)) return name_aruba(name, header);
  if (is_controller_name(name)) return known("C9800", version_within(name, ios_xe_fields), name);
  if (is_conversion_image_name(name)) {
    const auto mark = folded(name).find(express_mark);
    const auto text = leading_version(name.substr(mark + express_mark.size()), express_fields);
    return known("ME", text ? Version::parse(*text) : std::nullopt, name);
  }
  if (is_patch_name(name)) return known("C9800", version_within(name, ios_xe_fields), name);
  if (is_ap_tar_name(name)) return known("AP", version_of_ap_tar(name), name);
  if (is_switch_image_name(name)) return known("ArubaOS-CX", version_of_switch(name), name);
  return unknown(fmt::format("nothing tells what image {} is; it is served as it is", in_quotes(name)));
}

}  // namespace storage
