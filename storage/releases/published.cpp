#include "storage/releases/published.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "storage/archives/member_name.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/digest.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t most_named = 3;  // differences in one sentence

std::vector<Member> digested_files(const fs::path& directory) {
  std::vector<Member> members;
  FolderReader reader(directory);
  while (const auto entry = reader.next())
    if (entry->is_file()) members.push_back(digested(entry->path));
  std::ranges::sort(members, {}, &Member::name);
  return members;
}

bool has_file(const fs::path& directory, const Member& member) {
  const fs::path file = directory / path_of(member.name);
  return fs::symlink_status(file).type() == fs::file_type::regular && fs::file_size(file) == member.size;
}

const Member* named(const std::vector<Member>& members, const std::string& name) {
  const auto at = std::ranges::find(members, name, &Member::name);
  return at == members.end() ? nullptr : &*at;
}

}  // namespace

fs::path place_of(const Depot& depot, const std::string& release) {
  return depot.images() / path_of(release.substr(1));
}

fs::path manifest_of(const Depot& depot, const std::string& release) {
  return depot.manifests() / path_of(release.substr(1) + ".yaml");
}

fs::path manifest_beside(const fs::path& retired) {
  auto file = retired;
  return file += ".yaml";
}

Member digested(const fs::path& path) {
  const File file = open_plain_file(path);
  return {utf8_of(path.filename()), file.at_open().size, digests_of(file, {DigestKind::sha256}).front()};
}

std::optional<Manifest> usable_manifest(const fs::path& file, std::vector<std::string>& warnings) try {
  return load_manifest(file);
} catch (const std::runtime_error& damaged) {
  warnings.push_back(fmt::format("{}; the published files were read instead", damaged.what()));
  return std::nullopt;
}

void share_manifests(const Depot& depot) {
  const auto lets = [](const fs::path& path, fs::perms rights) {
    std::error_code error;
    return (fs::status(path, error).permissions() & rights) == rights;
  };
  if (!lets(depot.manifests(), fs::perms::group_read)) return;
  std::error_code error, stays;
  FolderReader reader(depot.manifests(), error, FolderReader::Reach::tree);
  while (const auto entry = reader.next()) {
    if (!entry->is_file() && !entry->is_folder()) continue;
    const auto enter = entry->is_folder() ? fs::perms::group_exec : fs::perms::none;
    const auto rights = fs::perms::group_read | enter;
    if (!lets(entry->path, rights)) fs::permissions(entry->path, rights, fs::perm_options::add, stays);
  }
}

std::vector<Member> published_members(const fs::path& directory, const std::optional<Manifest>& manifest) {
  const auto fits = [&](const Member& member) { return has_file(directory, member); };
  if (manifest && std::ranges::all_of(manifest->members, fits)) return manifest->members;
  return digested_files(directory);
}

bool holds_just(const fs::path& directory, const std::vector<Member>& members) {
  if (!fs::is_directory(directory)) return false;
  std::size_t files = 0;
  FolderReader reader(directory);
  while (const auto entry = reader.next())
    if (entry->is_file()) ++files;
  const auto fits = [&](const Member& member) { return has_file(directory, member); };
  return files == members.size() && std::ranges::all_of(members, fits) &&
         digested_files(directory) == members;
}

std::string difference(const std::vector<Member>& published, const std::vector<Member>& bundle) {
  std::vector<std::string> found;
  for (const auto& member : bundle) {
    const Member* there = named(published, member.name);
    if (there == nullptr) found.push_back(member.name + " is only in the bundle");
    if (there != nullptr && *there != member)
      found.push_back(fmt::format("{} has {} bytes there and {} in the bundle{}", member.name, there->size,
                                  member.size, there->size == member.size ? ", of other content" : ""));
  }
  for (const auto& member : published)
    if (named(bundle, member.name) == nullptr)
      found.push_back(in_quotes(member.name) + " is not in the bundle");
  const std::size_t more = found.size() - std::min(found.size(), most_named);
  found.resize(found.size() - more);
  return fmt::format("{}{}", fmt::join(found, ", "), more > 0 ? fmt::format(", and {} more", more) : "");
}

std::vector<Member> single_images(const Manifest& manifest) {
  std::set<std::string> names;
  for (const auto& origin : manifest.origins) names.insert(safe_component(origin.name));
  std::vector<Member> singles;
  for (const auto& member : manifest.members)
    if (names.contains(member.name)) singles.push_back(member);
  return singles;
}

NewFolders::NewFolders(const fs::path& root, fs::path folder) : folder_(std::move(folder)) {
  for (auto level = folder_; level != root && !fs::exists(level); level = level.parent_path())
    missing_.push_back(level);
}

NewFolders::~NewFolders() {
  std::error_code not_empty;  // then somebody else uses it
  for (const auto& level : missing_) fs::remove(level, not_empty);
}

void NewFolders::make() { make_directories(folder_, 0755); }

}  // namespace storage
