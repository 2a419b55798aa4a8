#include "storage/image_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "storage/member_name.hpp"
#include "storage/release.hpp"
#include "storage/release_name.hpp"

namespace storage {
namespace {

constexpr std::size_t aruba_fields = 4, ios_xe_fields = 3, express_fields = 5;
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

ReleaseName unknown(std::string warning) {
  return {.product = "other", .release = {}, .warnings = {std::move(warning)}};
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

bool is_single_image_name(std::string_view name) {
  return is_aruba_name(name) || is_controller_name(name) || is_conversion_image_name(name);
}

ReleaseName name_image(std::string_view name, const std::optional<ArubaHeader>& header) {
  if (header || is_aruba_name(name)) return name_aruba(name, header);
  if (is_controller_name(name)) return known("C9800", version_within(name, ios_xe_fields), name);
  if (is_conversion_image_name(name)) {
    const auto mark = folded(name).find(express_mark);
    const auto text = leading_version(name.substr(mark + express_mark.size()), express_fields);
    return known("ME", text ? Version::parse(*text) : std::nullopt, name);
  }
  return unknown(fmt::format("nothing tells what image {} is; it is served as it is", in_quotes(name)));
}

}  // namespace storage
