#include "storage/releases/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>

#include "storage/archives/member_name.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/digest.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/images/image_check.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/published.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr auto mend = "import the bundle again with --replace";

class Verifying {
 public:
  Verifying(const Depot& depot, const Path& release)
      : place_(place_of(depot, release.text())), manifest_file_(manifest_of(depot, release.text())) {
    found_.path = release.text();
  }

  Verification run() {
    if (!fs::is_directory(place_) && fs::exists(manifest_file_)) return gone();
    if (!fs::is_directory(place_))
      throw std::runtime_error(
          fmt::format("{} is not a release: there is no such folder in images/", found_.path));
    load();
    if (manifest_)
      for (const auto& member : manifest_->members) check_member(member);
    for (const auto& name : file_names())
      if (!is_recorded(name)) check_stranger(name);
    return std::move(found_);
  }

 private:
  Verification gone() {
    found_.recorded = true;
    differs(fmt::format(
        "it was imported, and its folder {} is gone; import the bundle again, or delete {} if it is "
        "to stay away",
        utf8_of(place_), utf8_of(manifest_file_)));
    return std::move(found_);
  }

  void load() try {
    manifest_ = load_manifest(manifest_file_);
    found_.recorded = manifest_.has_value();
    found_.verified = manifest_ && manifest_->verified;
    if (!manifest_) found_.remarks.push_back("nobody imported it: only the files' own structure is checked");
  } catch (const Unreadable&) {
    throw;
  } catch (const std::runtime_error& damaged) {
    differs(fmt::format("{}; {}", damaged.what(), mend));
  }

  void check_member(const Member& member) {
    const auto path = place_ / path_of(member.name);
    if (fs::symlink_status(path).type() != fs::file_type::regular)
      return differs(fmt::format("{} is missing; {}", in_quotes(member.name), mend));
    const File file = open_plain_file(path);
    ++found_.files;
    found_.bytes += file.at_open().size;
    if (file.at_open().size != member.size)
      return differs(fmt::format("{} has {} bytes, and had {} when it was imported; {}",
                                 in_quotes(member.name), file.at_open().size, member.size, mend));
    const auto digest = sha256_of(file);
    if (!digest)
      return differs(fmt::format("{} was changed while it was read; verify it again once nobody writes to it",
                                 in_quotes(member.name)));
    if (*digest != member.sha256)
      return differs(fmt::format("{} is not what was imported: its SHA-256 is another one; {}",
                                 in_quotes(member.name), mend));
    check_structure(file, member.name);
  }

  // Nothing where the file is being changed.
  static std::optional<std::string> sha256_of(const File& file) try {
    return digests_of(file, {DigestKind::sha256}).front();
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again) throw;
    return std::nullopt;
  }

  void check_stranger(const std::string& name) {
    const File file = open_plain_file(place_ / path_of(name));
    ++found_.files;
    found_.bytes += file.at_open().size;
    if (manifest_) found_.remarks.push_back(fmt::format("{} was put there by hand", in_quotes(name)));
    check_structure(file, name);
  }

  void check_structure(const File& file, const std::string& name) {
    const auto check = check_image(file, name);
    if (!check.damage.empty()) differs(check.damage);
    for (const auto* sentences : {&check.doubts, &check.remarks})
      found_.remarks.insert(found_.remarks.end(), sentences->begin(), sentences->end());
  }

  std::vector<std::string> file_names() const {
    std::vector<std::string> names;
    FolderReader reader(place_);
    while (auto entry = reader.next())
      if (entry->is_file()) names.push_back(std::move(entry->name));
    std::ranges::sort(names);
    return names;
  }

  bool is_recorded(const std::string& name) const {
    return manifest_ &&
           std::ranges::find(manifest_->members, name, &Member::name) != manifest_->members.end();
  }

  void differs(std::string what) { found_.differences.push_back(std::move(what)); }

  const fs::path place_, manifest_file_;
  std::optional<Manifest> manifest_;
  Verification found_;
};

}  // namespace

Verification verify_release(const Depot& depot, const Path& release) {
  return Verifying(depot, release).run();
}

std::vector<Path> imported_releases(const Depot& depot) {
  std::vector<Path> releases;
  if (!fs::exists(depot.manifests())) return releases;
  FolderReader reader(depot.manifests(), FolderReader::Reach::tree);
  while (const auto entry = reader.next()) {
    if (entry->path.extension() != ".yaml" || !fs::is_regular_file(entry->path)) continue;
    const auto relative = entry->path.lexically_relative(depot.manifests()).replace_extension();
    const auto path = Path::parse("/" + utf8_of(relative));
    if (path) releases.push_back(*path);
  }
  std::ranges::sort(releases, {}, &Path::text);
  return releases;
}

}  // namespace storage
