#include "storage/images/release_name.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/archives/bundle_format.hpp"
#include "storage/archives/member_name.hpp"
#include "storage/images/layout.hpp"
#include "storage/images/version.hpp"

namespace storage {
namespace {

constexpr std::size_t least_fields = 3;

// Of an access point that joins an EWC: ap1g8, not c3700 or ap802.
bool is_ap_image(std::string_view name) {
  return is_image_family(name) && name.starts_with("ap") && name.find('g') != std::string_view::npos;
}

// What follows `mark` in a bundle's name.
std::optional<std::string_view> behind(std::string_view bundle, std::string_view mark) {
  const auto found = folded(bundle).find(mark);
  if (found == std::string::npos) return std::nullopt;
  return bundle.substr(found + mark.size());
}

// C9800-AP-universalk9.17.09.04a.zip. Some people rename it without the dot.
std::optional<std::string> version_in_ewc_name(std::string_view bundle) {
  auto rest = behind(bundle, "c9800-ap-universalk9");
  if (!rest) return std::nullopt;
  rest->remove_prefix(std::min(rest->find_first_not_of("._-"), rest->size()));
  return leading_version(*rest, 3);
}

// AIR-AP2800-K9-ME-8-10-185-0.zip
std::optional<std::string> version_in_me_name(std::string_view bundle) {
  const auto rest = behind(bundle, "-me-");
  return rest ? leading_version(*rest, 5) : std::nullopt;
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
         std::ranges::find(evidence.members, "C9800-AP-iosxe-wlc.bin") != evidence.members.end();
}

bool is_cisco(const ReleaseEvidence& evidence) {
  return is_ewc_only(evidence) || evidence.ap_version || std::ranges::any_of(evidence.members, is_ap_image);
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

// "Weird bundle.tar.gz" becomes the folder "Weird bundle", or what is nearest and fine on any system.
std::string folder_for(std::string_view bundle) { return safe_component(without_archive_extension(bundle)); }

}  // namespace

std::optional<std::string> leading_version(std::string_view text, std::size_t most) {
  const std::size_t end =
      std::min(text.find_first_not_of("0123456789._-abcdefghijklmnopqrstuvwxyz"), text.size());
  for (std::size_t length = end; length > 0; --length) {
    const auto version = Version::parse(text.substr(0, length));
    if (version && version->fields.size() >= least_fields && version->fields.size() <= most)
      return std::string(text.substr(0, length));
  }
  return std::nullopt;
}

ReleaseName name_release(const ReleaseEvidence& untidied) {
  ReleaseName name;
  const ReleaseEvidence evidence = tidied(untidied, name.warnings);
  const bool express = is_mobility_express(evidence);
  std::vector<Source> sources;
  if (express) sources = sources_of(evidence, version_in_me_name, whole);
  if (!express && is_cisco(evidence)) sources = sources_of(evidence, version_in_ewc_name, release_version);
  if (sources.empty()) {
    name.product = other_product;
    name.release = folder_for(evidence.bundle_name);
    name.warnings.push_back("nothing in the bundle or its name tells a Cisco release and its version");
    return name;
  }
  name.product = express ? "ME" : "EWC";
  name.release = sources.front().version.joined('_');
  if (auto warning = disagreement(sources)) name.warnings.push_back(std::move(*warning));
  return name;
}

}  // namespace storage
