#include "storage/lookup/archived.hpp"

#include <algorithm>
#include <array>

#include "storage/archives/member_name.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/zip_directory.hpp"
#include "storage/files/root.hpp"
#include "storage/images/image_name.hpp"
#include "storage/images/release_name.hpp"
#include "storage/images/version.hpp"

namespace storage {
namespace {

constexpr std::uint64_t most_members = 1'000;

// None where the archive is damaged or no ZIP: the import says what is wrong with it.
std::vector<std::string> member_names(const Root& root, const Path& archive) try {
  const auto file = root.open_file(archive);
  if (!file) return {};
  std::vector<std::string> names;
  for (const auto& member : read_zip_directory(*file, most_members))
    names.push_back(member.name.substr(member.name.rfind('/') + 1));
  return names;
} catch (const std::runtime_error&) {  // Rejected, or the disk's
  return {};
}

}  // namespace

// What cannot be listed may hold any image.
bool Archived::holds(std::string_view name) const {
  if (members.empty()) return version && is_image_family(name);
  return std::ranges::find(members, name) != members.end();
}

bool is_archive(std::string_view name) {
  constexpr std::array<std::string_view, 6> extensions = {".zip", ".tar",    ".tar.gz",
                                                          ".tgz", ".tar.xz", ".txz"};
  const auto lower = folded(name);
  if (lower.ends_with(".tar") && is_single_image_name(name)) return false;  // the tar is an image itself
  return std::ranges::any_of(extensions, [&](auto extension) { return lower.ends_with(extension); });
}

Archived look_into(const Root& root, Path path, bool rejected) {
  Archived archive{std::move(path), rejected};
  archive.members = member_names(root, archive.path);
  const ReleaseEvidence evidence{.bundle_name = std::string(archive.path.name()),
                                 .controller_version = {},
                                 .ap_version = {},
                                 .members = archive.members};
  archive.version = Version::parse(name_release(evidence).release);
  return archive;
}

}  // namespace storage
