#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "storage/releases/manifest.hpp"

namespace storage {

class Depot;

// What lies in the depot at a release's path, "/EWC/17_9_4a". The files are the truth: a manifest counts as
// long as they fit it.

std::filesystem::path place_of(const Depot& depot, const std::string& release);     // below images/
std::filesystem::path manifest_of(const Depot& depot, const std::string& release);  // that import wrote
// Where a retired release's is: "retired/EWC/17_9_4a.yaml".
std::filesystem::path manifest_beside(const std::filesystem::path& retired);

// Reads the whole file. Throws std::system_error.
Member digested(const std::filesystem::path& file);

// The manifest, unless it is damaged, which is told in `warnings`.
std::optional<Manifest> usable_manifest(const std::filesystem::path& file,
                                        std::vector<std::string>& warnings);

// Lets the group read what was recorded before it could, where it may read the folder of manifests. What
// cannot be changed stays as it is.
void share_manifests(const Depot& depot);

// The files in `directory`: as the manifest has them where sizes fit, else read again. By name.
std::vector<Member> published_members(const std::filesystem::path& directory,
                                      const std::optional<Manifest>& manifest);

// Whether the files in `directory` are `members`, by name, and no others. Reads them where their names and
// sizes fit. False where there is no such folder. Throws std::system_error.
bool holds_just(const std::filesystem::path& directory, const std::vector<Member>& members);

// What tells two lists apart, in words: "ap1g8 has 5 bytes there and 6 in the bundle". The first few only.
std::string difference(const std::vector<Member>& published, const std::vector<Member>& bundle);

// Of a release's members those that came as single images, not in a bundle.
std::vector<Member> single_images(const Manifest& manifest);

// Folders above what is to be published. Those that did not exist vanish again unless they are kept.
class NewFolders {
 public:
  NewFolders(const std::filesystem::path& root, std::filesystem::path folder);
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;
  ~NewFolders();
  void make();
  void keep() { missing_.clear(); }

 private:
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> missing_;  // the deepest first
};

}  // namespace storage
