#include "storage/drop_digests.hpp"

#include <algorithm>
#include <optional>

#include "storage/digest_file.hpp"
#include "storage/drop_folder.hpp"
#include "storage/import.hpp"
#include "storage/member_name.hpp"
#include "storage/published.hpp"
#include "storage/staging.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

bool lies_in_drop(const Depot& depot, const KnownDigest& digest) {
  return kind_of_drop(depot, digest.file) != DropKind::gone;
}

Origin* origin_of(Manifest& manifest, const KnownDigest& digest) {
  const auto found = std::ranges::find(manifest.origins, digest.file, &Origin::name);
  return found == manifest.origins.end() ? nullptr : &*found;
}

// Of those that can be understood, and whose release is there.
std::optional<Manifest> manifest_about(const Depot& depot, const fs::path& file,
                                       const KnownDigest& digest) try {
  auto manifest = load_manifest(file);
  if (!manifest || origin_of(*manifest, digest) == nullptr) return std::nullopt;
  if (!fs::is_directory(place_of(depot, manifest->path))) return std::nullopt;
  return manifest;
} catch (const std::runtime_error&) {
  return std::nullopt;
}

std::vector<ComparedDigest> compare(const Depot& depot, const KnownDigest& digest) {
  std::vector<ComparedDigest> compared;
  const DirectoryLock lock(depot.manifests());
  for (const auto& entry : fs::recursive_directory_iterator(depot.manifests())) {
    if (entry.path().extension() != ".yaml") continue;
    auto manifest = manifest_about(depot, entry.path(), digest);
    if (!manifest) continue;
    auto* origin = origin_of(*manifest, digest);
    origin->verified = digest.hex == (digest.kind == DigestKind::md5 ? origin->md5 : origin->sha512);
    manifest->verified = std::ranges::all_of(manifest->origins, &Origin::verified);
    save(*manifest, entry.path());
    compared.push_back({digest.file, digest.where, manifest->path, origin->verified});
  }
  return compared;
}

// The digests in a file that is whole; none where it cannot be understood, which is told when its turn comes.
std::vector<KnownDigest> digests_in_drop(const Depot& depot, const std::string& name) try {
  if (kind_of_drop(depot, name) != DropKind::file) return {};
  return read_digest_file(depot.drop() / name);
} catch (const std::runtime_error&) {
  return {};
}

}  // namespace

std::vector<ComparedDigest> compare_digests(const Depot& depot, const std::string& name) {
  std::vector<ComparedDigest> compared;
  bool wanted = false;
  for (const auto& digest : read_digest_file(depot.drop() / name)) {
    if (lies_in_drop(depot, digest)) wanted = true;
    for (auto& one : compare(depot, digest)) compared.push_back(std::move(one));
  }
  if (!compared.empty() && !wanted) remove_drop(depot, name);
  return compared;
}

std::vector<std::string> digest_files_about(const Depot& depot, const std::string& name) {
  std::vector<std::string> files;
  for (const auto& path : digest_files_beside(depot.drop() / name)) {
    const auto file = path.filename().string();
    const auto digests = digests_in_drop(depot, file);
    if (std::ranges::find(digests, name, &KnownDigest::file) != digests.end()) files.push_back(file);
  }
  return files;
}

void take_away(const Depot& depot, const std::vector<std::string>& digest_files, const std::string& name,
               Fate fate) {
  const auto wanted = [&](const KnownDigest& d) { return d.file != name && lies_in_drop(depot, d); };
  for (const auto& file : digest_files) {
    if (std::ranges::any_of(digests_in_drop(depot, file), wanted)) continue;
    if (fate == Fate::published) remove_drop(depot, file);
    if (fate == Fate::rejected)
      reject_drop(depot, file, "It belongs to " + in_quotes(name) + ", which was rejected.");
  }
}

}  // namespace storage
