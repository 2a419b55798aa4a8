#include "storage/import/drop_digests.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

#include "storage/archives/member_name.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/import/drop_folder.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/published.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

using Digests = std::vector<KnownDigest>;

std::set<std::string> names_in_drop(const Depot& depot) {
  std::set<std::string> names;
  FolderReader reader(depot.drop());
  while (auto entry = reader.next()) names.insert(std::move(entry->name));
  return names;
}

// Of those that can be understood, and whose release is there.
std::optional<Manifest> usable_manifest_in(const Depot& depot, const fs::path& file) try {
  auto manifest = load_manifest(file);
  if (!manifest || !fs::is_directory(place_of(depot, manifest->path))) return std::nullopt;
  return manifest;
} catch (const std::runtime_error&) {
  return std::nullopt;
}

bool agrees(const Origin& origin, const KnownDigest& digest) {
  return digest.hex == (digest.kind == DigestKind::md5 ? origin.md5 : origin.sha512);
}

// One manifest, with all that the list says of its origins.
void compare_with(Manifest& manifest, const std::map<std::string, Digests>& wanted,
                  std::vector<ComparedDigest>& compared) {
  for (auto& origin : manifest.origins) {
    const auto about = wanted.find(origin.name);
    if (about == wanted.end()) continue;
    origin.verified =
        std::ranges::all_of(about->second, [&](const KnownDigest& d) { return agrees(origin, d); });
    compared.push_back({origin.name, about->second.front().where, manifest.path, origin.verified});
  }
  manifest.verified = std::ranges::all_of(manifest.origins, &Origin::verified);
}

}  // namespace

std::vector<ComparedDigest> compare_digests(const Depot& depot, const DroppedFile& list, OriginIndex& index) {
  std::map<std::string, Digests> by_file;
  for (auto& digest : read_digest_file(list.file(), list.name()))
    by_file[digest.file].push_back(std::move(digest));
  std::vector<ComparedDigest> compared;
  {
    const DirectoryLock lock(depot.manifests());
    index.refresh();
    std::set<fs::path> manifests;
    for (const auto& [file, digests] : by_file)
      for (auto& manifest : index.manifests_of(file)) manifests.insert(std::move(manifest));
    for (const auto& file : manifests) {
      auto manifest = usable_manifest_in(depot, file);
      if (!manifest) continue;
      const auto before = *manifest;
      compare_with(*manifest, by_file, compared);
      if (manifest->origins != before.origins || manifest->verified != before.verified) save(*manifest, file);
    }
  }
  const auto lying = names_in_drop(depot);
  const auto is_wanted = [&](const auto& each) { return lying.contains(each.first); };
  if (!compared.empty() && std::ranges::none_of(by_file, is_wanted)) list.remove();
  return compared;
}

std::vector<DroppedDigests> digests_beside_drop(const Depot& depot, const std::string& name,
                                                std::optional<std::string>& fault) {
  std::vector<DroppedDigests> files;
  for (const auto& path : digest_files_beside(depot.drop() / path_of(name))) {
    const auto beside = utf8_of(path.filename());
    if (kind_of_drop(depot, beside) != DropKind::file) continue;
    try {
      DroppedFile file(depot, beside);
      auto digests = read_digest_file(file.file(), beside);
      files.push_back({std::move(file), std::move(digests)});
    } catch (const Rejected& e) {
      fault = e.what();
    } catch (const std::system_error& e) {
      if (e.code() != std::errc::no_such_file_or_directory) throw;  // it was taken away in this moment
    }
  }
  std::erase_if(files, [&](const auto& each) { return digests_of({&each, 1}, name).empty(); });
  return files;
}

std::vector<KnownDigest> digests_of(std::span<const DroppedDigests> files, const std::string& name) {
  std::vector<KnownDigest> found;
  for (const auto& file : files)
    std::ranges::copy_if(file.digests, std::back_inserter(found),
                         [&](const KnownDigest& digest) { return digest.file == name; });
  return found;
}

void take_away(const Depot& depot, const std::vector<DroppedDigests>& files, const std::string& name,
               Fate fate, std::size_t most_rejected) {
  const auto lying = names_in_drop(depot);
  const auto wanted = [&](const KnownDigest& d) { return d.file != name && lying.contains(d.file); };
  for (const auto& [file, digests] : files) {
    if (std::ranges::any_of(digests, wanted)) continue;
    if (fate == Fate::published) file.remove();
    if (fate == Fate::rejected && rejected_files(depot) < most_rejected)
      file.reject("It belongs to " + in_quotes(name) + ", which was rejected.");
  }
}

}  // namespace storage
