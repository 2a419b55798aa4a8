#include "storage/publish.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>

#include "storage/digest.hpp"
#include "storage/durable.hpp"
#include "storage/import.hpp"
#include "storage/member_name.hpp"
#include "storage/plain_file.hpp"
#include "storage/staging.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t block_size = 256 << 10;
constexpr std::size_t most_named = 3;  // differences in one sentence

// "/EWC/17_9_4a" below images/, and its manifest.
fs::path place_of(const Depot& depot, const Manifest& manifest) {
  return depot.images() / manifest.path.substr(1);
}
fs::path manifest_of(const Depot& depot, const Manifest& manifest) {
  return depot.manifests() / (manifest.path.substr(1) + ".yaml");
}

Member digested(const fs::path& path) {
  const File file = open_plain_file(path);
  Member member{path.filename().string(), 0, {}};
  Sha256 digest;
  std::vector<std::byte> block(block_size);
  for (;;) {
    const std::span<std::byte> whole = block;
    const auto got = file.read({&whole, 1}, member.size);
    if (!got) throw std::system_error(got.error(), "cannot read " + path.string());
    if (*got == 0) break;
    digest.update(whole.first(*got));
    member.size += *got;
  }
  member.sha256 = digest.hex();
  return member;
}

std::vector<Member> digested_files(const fs::path& directory) {
  std::vector<Member> members;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.symlink_status().type() == fs::file_type::regular) members.push_back(digested(entry.path()));
  std::ranges::sort(members, {}, &Member::name);
  return members;
}

bool has_file(const fs::path& directory, const Member& member) {
  const fs::path file = directory / member.name;
  return fs::symlink_status(file).type() == fs::file_type::regular && fs::file_size(file) == member.size;
}

// The manifest's members where the files still fit them. The files are the truth: else they are read anew.
std::vector<Member> published_members(const fs::path& directory, const fs::path& manifest_file,
                                      std::vector<std::string>& warnings) {
  std::optional<Manifest> manifest;
  try {
    manifest = load_manifest(manifest_file);
  } catch (const std::runtime_error& damaged) {
    warnings.push_back(fmt::format("{}; the published files were read instead", damaged.what()));
  }
  const auto fits = [&](const Member& member) { return has_file(directory, member); };
  if (manifest && std::ranges::all_of(manifest->members, fits)) return manifest->members;
  return digested_files(directory);
}

// Both lists are in the order of names. "ap1g8 has another content, ap1g7 is new"
std::string difference(const std::vector<Member>& published, const std::vector<Member>& bundle) {
  std::vector<std::string> found;
  const auto named = [](const std::vector<Member>& members, const std::string& name) {
    const auto at = std::ranges::find(members, name, &Member::name);
    return at == members.end() ? nullptr : &*at;
  };
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

void check_same(const fs::path& place, const fs::path& manifest_file, const Manifest& manifest,
                std::vector<std::string>& warnings) {
  if (!fs::is_directory(place))
    throw Rejected(
        fmt::format("{} is in the way: move it out of images/ and import the bundle again", place.string()));
  const auto published = published_members(place, manifest_file, warnings);
  if (published != manifest.members)
    throw Rejected(
        fmt::format("{} is published already and differs: {}; to replace it, move {} out of images/ and "
                    "import the bundle again",
                    manifest.path, difference(published, manifest.members), place.string()));
}

// The folders above a release. Those that did not exist vanish again unless something was published in them.
class Parents {
 public:
  Parents(const fs::path& images, fs::path parent) : parent_(std::move(parent)) {
    for (auto level = parent_; level != images && !fs::exists(level); level = level.parent_path())
      missing_.push_back(level);
  }
  Parents(const Parents&) = delete;
  Parents& operator=(const Parents&) = delete;
  ~Parents() {
    std::error_code not_empty;  // then somebody else uses it
    for (const auto& level : missing_) fs::remove(level, not_empty);
  }
  void make() { make_directories(parent_, 0755); }
  void keep() { missing_.clear(); }

 private:
  fs::path parent_;
  std::vector<fs::path> missing_;  // the deepest first
};

// Moves the release to its place. errc::file_exists when something came to be there in the meantime.
void move_in(const Depot& depot, const fs::path& content, const fs::path& place) {
  Parents parents(depot.images(), place.parent_path());
  parents.make();
  try {
    rename_new(content, place);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::cross_device_link) throw;
    throw std::system_error(error.code(), fmt::format("{} must lie on the same file system as {}",
                                                      place.parent_path().string(), depot.state().string()));
  }
  parents.keep();
}

}  // namespace

bool publish(const Depot& depot, const fs::path& content, const Manifest& manifest,
             std::vector<std::string>& warnings) {
  const fs::path place = place_of(depot, manifest), manifest_file = manifest_of(depot, manifest);
  // One import at a time from here on, or the manifest of one could describe the release of another.
  const DirectoryLock lock(depot.manifests());
  for (;;) {
    if (fs::exists(fs::symlink_status(place))) {
      check_same(place, manifest_file, manifest, warnings);
      return false;
    }
    make_directories(manifest_file.parent_path(), 0700);
    save(manifest, manifest_file);
    try {
      move_in(depot, content, place);
      return true;
    } catch (const std::system_error& error) {
      fs::remove(manifest_file);
      if (error.code() != std::errc::file_exists) throw;
    }
  }
}

}  // namespace storage
