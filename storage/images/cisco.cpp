// Cisco's access points get bundles of images, which their controller hands on (EWC, Mobility Express), or
// single images. Controllers (Catalyst 9800) get single images and patches.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "storage/archives/member_name.hpp"
#include "storage/images/cisco_log.hpp"
#include "storage/images/vendors.hpp"

namespace storage {
namespace {

constexpr std::size_t least_fields = 3, ios_xe_fields = 3, aireos_fields = 4, express_fields = 5;
constexpr std::string_view controller_image = "C9800-AP-iosxe-wlc.bin";  // in an EWC's bundle

// ---- names

// C9800-L-universalk9_wlc.17.09.04a.SPA.bin
bool is_controller_name(std::string_view name) {
  constexpr std::array<std::string_view, 5> endings{".spa.bin", ".ssa.bin", ".iso", ".ova", ".qcow2"};
  const auto lower = folded(name);
  return (lower.starts_with("c9800-") || lower.starts_with("cw9800")) && !lower.starts_with("c9800-ap-") &&
         std::ranges::any_of(endings, [&lower](auto ending) { return lower.ends_with(ending); });
}

// For a controller: C9800-...CSCwh12345.SPA.apsp.bin and .smu.bin.
bool is_patch_name(std::string_view name) {
  const auto lower = folded(name);
  return lower.ends_with(".apsp.bin") || lower.ends_with(".apdp.bin") || lower.ends_with(".smu.bin");
}

std::optional<Version> version_of_controller(std::string_view name) {
  return version_within(name, ios_xe_fields);
}

// What follows `mark` in a file's name.
std::optional<std::string_view> behind(std::string_view name, std::string_view mark) {
  const auto found = folded(name).find(mark);
  if (found == std::string::npos) return std::nullopt;
  return name.substr(found + mark.size());
}

// AIR-AP2800-K9-ME-8-10-185-0.zip
std::optional<std::string> version_in_me_name(std::string_view name) {
  const auto rest = behind(name, "-me-");
  return rest ? leading_version(*rest, express_fields) : std::nullopt;
}

// AIR-AP1815-K9-ME-8-10-185-0.tar
bool is_conversion_image_name(std::string_view name) {
  return folded(name).ends_with(".tar") && behind(name, "-me-");
}

std::optional<Version> version_of_conversion_image(std::string_view name) {
  const auto text = version_in_me_name(name);
  return text ? Version::parse(*text) : std::nullopt;
}

// ap3g3-k9w8-tar.153-3.JF15.tar
bool is_ap_tar_name(std::string_view name) {
  const auto lower = folded(name);
  return lower.ends_with(".tar") && is_image_family(lower.substr(0, lower.find('-'))) &&
         lower.find("-k9w") != std::string::npos;
}

// Classic IOS writes 15.3(3)JF15 as "153-3.JF15" in a file's name; an AireOS version stands there as it is.
std::optional<Version> version_of_ap_tar(std::string_view name) {
  const auto lower = folded(name);
  const auto mark = lower.find("tar.");
  if (mark == std::string::npos) return version_within(name, aireos_fields);
  auto rest = std::string_view(lower).substr(mark + 4);
  rest.remove_suffix(std::min<std::size_t>(rest.size(), 4));  // ".tar"
  const auto dash = rest.find('-'), dot = rest.find('.');
  if (dash != 3 || dot == std::string_view::npos || dot < dash) return version_within(name, aireos_fields);
  return Version::parse(fmt::format("{}.{}({}){}", rest.substr(0, 2), rest.substr(2, 1),
                                    rest.substr(dash + 1, dot - dash - 1), rest.substr(dot + 1)));
}

bool is_bundle_image(std::string_view name) {
  const auto lower = folded(name);
  return is_image_family(lower) || lower == folded(controller_image);
}

bool is_bundle_member(std::string_view name) {
  constexpr std::array<std::string_view, 3> others{"controller_version.info", "version.info", "readme.txt"};
  return is_bundle_image(name) || std::ranges::find(others, folded(name)) != others.end();
}

bool is_for_controllers(std::string_view name) { return is_image_family(name) || name == controller_image; }

bool is_image_tar(const TarWalk& walk) {
  const auto is_part = [](const std::string& name) {
    return name == "info.ver" || name == "part.bin" || name.starts_with("ramfs_data_cisco");
  };
  return walk.info_begins || std::ranges::any_of(walk.names, is_part);
}

// ---- bundles

// Of an access point that joins an EWC: ap1g8, not c3700 or ap802.
bool is_ap_image(std::string_view name) {
  return is_image_family(name) && name.starts_with("ap") && name.find('g') != std::string_view::npos;
}

// C9800-AP-universalk9.17.09.04a.zip. Some people rename it without the dot.
std::optional<std::string> version_in_ewc_name(std::string_view bundle) {
  auto rest = behind(bundle, "c9800-ap-universalk9");
  if (!rest) return std::nullopt;
  rest->remove_prefix(std::min(rest->find_first_not_of("._-"), rest->size()));
  return leading_version(*rest, ios_xe_fields);
}

// One place that says which version this is.
struct Source {
  std::string_view where;
  std::string text;
  Version version;
};

using Reader = Version (*)(const Version&);

void add_source(std::vector<Source>& sources, std::string_view where, const std::optional<std::string>& text,
                Reader read) {
  const auto version = text ? Version::parse(*text) : std::nullopt;
  if (version) sources.push_back({where, *text, read(*version)});
}

// The AP's own version has no rebuild letter, so it says nothing about one.
bool agree(const Source& chosen, const Source& other) {
  return other.version.fields == chosen.version.fields &&
         (other.where == "version.info" || other.version.letter == chosen.version.letter);
}

std::optional<std::string> disagreement(const std::vector<Source>& sources) {
  if (std::ranges::all_of(sources, [&](const auto& other) { return agree(sources.front(), other); }))
    return {};
  std::string shown;
  for (const auto& source : sources)
    shown += fmt::format("{}{} says {}", shown.empty() ? "" : ", ", source.where, source.text);
  return fmt::format("the bundle contradicts itself about its version: {}; {} counts", shown,
                     sources.front().where);
}

// The lines of the .info files that can be used, and a warning for each that cannot.
ReleaseEvidence tidied(ReleaseEvidence evidence, std::vector<std::string>& warnings) {
  const auto tidy = [&warnings](std::optional<std::string>& content, const char* file) {
    if (!content) return;
    content = info_line(*content);
    const auto version = content ? Version::parse(*content) : std::nullopt;
    if (version && version->fields.size() >= least_fields) return;
    warnings.push_back(fmt::format("{} holds no version and is ignored", file));
    content.reset();
  };
  tidy(evidence.controller_version, "controller_version.info");
  tidy(evidence.ap_version, "version.info");
  return evidence;
}

bool is_ewc_only(const ReleaseEvidence& evidence) {
  return evidence.controller_version.has_value() ||
         std::ranges::find(evidence.members, controller_image) != evidence.members.end();
}

// A bundle whose members cannot be seen may be any.
bool is_cisco(const ReleaseEvidence& evidence) {
  return is_ewc_only(evidence) || evidence.ap_version || evidence.members.empty() ||
         std::ranges::any_of(evidence.members, is_ap_image);
}

// Mobility Express bundles hold the same families and a version.info too: their name and AireOS' numbers tell
// them.
bool is_mobility_express(const ReleaseEvidence& evidence) {
  if (is_ewc_only(evidence)) return false;
  const auto version = evidence.ap_version ? Version::parse(*evidence.ap_version) : std::nullopt;
  if (version) return !is_ios_xe(*version);
  return version_in_me_name(evidence.bundle_name).has_value();
}

Version whole(const Version& version) { return version; }

using NameReader = std::optional<std::string> (*)(std::string_view);

std::vector<Source> sources_of(const ReleaseEvidence& evidence, NameReader in_name, Reader read) {
  std::vector<Source> sources;
  add_source(sources, "controller_version.info", evidence.controller_version, read);
  add_source(sources, "version.info", evidence.ap_version, read);
  add_source(sources, "the archive's name", in_name(evidence.bundle_name), read);
  return sources;
}

// Content names the release: controller_version.info first, then version.info, then the bundle's name.
bool name_bundle(const ReleaseEvidence& untidied, ReleaseName& name) {
  const ReleaseEvidence evidence = tidied(untidied, name.warnings);
  const bool express = is_mobility_express(evidence);
  std::vector<Source> sources;
  if (express) sources = sources_of(evidence, version_in_me_name, whole);
  if (!express && is_cisco(evidence)) sources = sources_of(evidence, version_in_ewc_name, release_version);
  if (sources.empty()) return false;
  name.product = express ? "ME" : "EWC";
  name.release = sources.front().version.joined('_');
  if (auto warning = disagreement(sources)) name.warnings.push_back(std::move(*warning));
  return true;
}

// AP claims no paths: it is everybody's word for a folder of access point images.
constexpr std::array products{Product{.name = "EWC", .claims_paths = true},
                              Product{.name = "C9800",
                                      .is_image = is_controller_name,
                                      .version_in = version_of_controller,
                                      .structure = Structure::opaque,
                                      .claims_paths = true},
                              Product{.name = "ME",
                                      .is_image = is_conversion_image_name,
                                      .version_in = version_of_conversion_image,
                                      .structure = Structure::tar,
                                      .claims_paths = true},
                              Product{.name = "C9800",
                                      .is_image = is_patch_name,
                                      .version_in = version_of_controller,
                                      .claims_paths = true},
                              Product{.name = "AP",
                                      .is_image = is_ap_tar_name,
                                      .version_in = version_of_ap_tar,
                                      .structure = Structure::tar}};

}  // namespace

extern const Vendor cisco{.name = "Cisco",
                          .products = products,
                          .is_bundle_member = is_bundle_member,
                          .is_bundle_image = is_bundle_image,
                          .is_for_controllers = is_for_controllers,
                          .name_bundle = name_bundle,
                          .is_image_tar = is_image_tar,
                          .read_log = read_cisco_log};

}  // namespace storage
