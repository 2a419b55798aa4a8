#include "storage/images/release_name.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/archives/bundle_format.hpp"
#include "storage/archives/member_name.hpp"
#include "storage/images/layout.hpp"
#include "storage/images/vendors.hpp"

namespace storage {
namespace {

constexpr std::size_t least_fields = 3;

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

std::optional<Version> version_within(std::string_view name, std::size_t most) {
  for (std::size_t at = 1; at < name.size(); ++at) {
    const bool begins = std::string_view("._-").find(name[at - 1]) != std::string_view::npos;
    if (!begins || name[at] < '0' || name[at] > '9') continue;
    if (const auto text = leading_version(name.substr(at), most)) return Version::parse(*text);
  }
  return std::nullopt;
}

ReleaseName name_release(const ReleaseEvidence& evidence) {
  ReleaseName name;
  std::string asked;
  for (const auto* vendor : vendors()) {
    if (!vendor->name_bundle) continue;
    if (vendor->name_bundle(evidence, name)) return name;
    asked.append(asked.empty() ? "" : " or ").append(vendor->name);
  }
  name.product = other_product;
  name.release = folder_for(evidence.bundle_name);
  name.warnings.push_back(
      fmt::format("nothing in the bundle or its name tells a {} release and its version", asked));
  return name;
}

}  // namespace storage
