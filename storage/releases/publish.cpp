#include "storage/releases/publish.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>

#include "storage/archives/member_name.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/releases/changeover.hpp"
#include "storage/releases/published.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

// The manifest of a folder is read and written as a whole for each single image that comes to it.
constexpr std::size_t most_singles = 2000;

bool is_taken(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

[[noreturn]] void reject_in_the_way(const fs::path& place) {
  throw Rejected(
      fmt::format("{} is in the way: move it out of images/ and import the file again", utf8_of(place)));
}

[[noreturn]] void reject_different(const std::string& path, const std::string& how) {
  throw Rejected(
      fmt::format("{} is published already and differs: {}; `apdepot import --replace FILE` puts this one in "
                  "its place",
                  path, how));
}

// Another would be written in its place, and what it records is of use.
std::optional<Manifest> manifest_to_change(const fs::path& file, std::vector<std::string>& warnings) {
  if (is_too_large(file))
    throw Rejected(fmt::format(
        "the manifest {} is too large to be read: move it away, with the images of its folder, and "
        "import the file again",
        utf8_of(file)));
  return usable_manifest(file, warnings);
}

// Images that were moved out of the folder, or removed, count no longer.
void make_room_for_single(Manifest& manifest, const fs::path& folder) {
  if (manifest.origins.size() < most_singles) return;
  for (const auto& single : single_images(manifest)) {
    if (is_taken(folder / path_of(single.name))) continue;
    std::erase(manifest.members, single);
    std::erase_if(manifest.origins, [&](const Origin& o) { return safe_component(o.name) == single.name; });
  }
  if (manifest.origins.size() >= most_singles)
    throw Rejected(fmt::format(
        "{} holds {} single images already: move some of them out of it and import the file again",
        utf8_of(folder), manifest.origins.size()));
}

// Moves it to its place. errc::file_exists when something came to be there in the meantime.
void move_in(const Depot& depot, const fs::path& staged, const fs::path& place) {
  NewFolders folders(depot.images(), place.parent_path());
  folders.make();
  try {
    rename_new(staged, place);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::cross_device_link) throw;
    throw std::system_error(error.code(), fmt::format("{} must lie on the same file system as {}",
                                                      utf8_of(place.parent_path()), utf8_of(depot.state())));
  }
  folders.keep();
}

void put_down(const Manifest& manifest, const fs::path& file) {
  make_directories(file.parent_path(), mode_as_above(file.parent_path()));
  save(manifest, file);
}

void add(Manifest& manifest, const Member& member, const Manifest& from) {
  std::erase_if(manifest.members, [&](const Member& m) { return m.name == member.name; });
  manifest.members.push_back(member);
  std::ranges::sort(manifest.members, {}, &Member::name);
  for (const auto& origin : from.origins) {
    if (safe_component(origin.name) != member.name) continue;
    std::erase_if(manifest.origins, [&](const Origin& o) { return o.name == origin.name; });
    manifest.origins.push_back(origin);
  }
  manifest.verified = std::ranges::all_of(manifest.origins, &Origin::verified);
}

// A digest that the vendor gives may come with the second import.
void confirm(const std::optional<Manifest>& there, const Manifest& now, const fs::path& file) {
  if (!there) return;
  auto confirmed = *there;
  for (auto& origin : confirmed.origins)
    for (const auto& again : now.origins)
      if (origin.sha512 == again.sha512) origin.verified = origin.verified || again.verified;
  confirmed.verified = std::ranges::all_of(confirmed.origins, &Origin::verified);
  if (confirmed.origins != there->origins) save(confirmed, file);
}

class BundlePlace {
 public:
  BundlePlace(const Depot& depot, const Manifest& manifest, std::vector<std::string>& warnings)
      : depot_(depot),
        place_(place_of(depot, manifest.path)),
        manifest_file_(manifest_of(depot, manifest.path)) {
    if (!fs::is_directory(place_)) reject_in_the_way(place_);
    there_ = manifest_to_change(manifest_file_, warnings);
    if (there_) singles_ = single_images(*there_);
    members_ = published_members(place_, there_);
    std::erase_if(singles_, [this](const Member& s) { return !std::ranges::count(members_, s); });
    leave_out_singles();
    if (!members_.empty() || !holds_others()) return;
    members_ = published_members(place_, {});
    leave_out_singles();
  }

  bool has_bundle() const { return !members_.empty() || singles_.empty(); }
  bool same_as(const Manifest& manifest) const { return members_ == manifest.members; }
  std::string difference_to(const Manifest& manifest) const { return difference(members_, manifest.members); }
  void confirm_by(const Manifest& manifest) const { confirm(there_, manifest, manifest_file_); }

  // The single images stay, or move along by a second name for each.
  void replace_by(const fs::path& content, Manifest manifest) const {
    for (const auto& single : singles_) {
      const auto name = path_of(single.name);
      if (is_taken(content / name)) continue;
      fs::create_hard_link(place_ / name, content / name);
      add(manifest, single, *there_);
    }
    sync_directory(content);
    if (!replace_by_exchange(depot_, content, manifest)) replace_by_files(depot_, content, manifest);
  }

 private:
  void leave_out_singles() {
    std::erase_if(members_, [this](const Member& m) { return std::ranges::count(singles_, m) > 0; });
  }
  // Beside the single images: somebody put it there by hand.
  bool holds_others() const {
    FolderReader reader(place_);
    while (const auto entry = reader.next())
      if (entry->is_file() && !std::ranges::count(singles_, entry->name, &Member::name)) return true;
    return false;
  }

  const Depot& depot_;
  const fs::path place_, manifest_file_;
  std::optional<Manifest> there_;
  std::vector<Member> members_, singles_;
};

}  // namespace

bool publish_bundle(const Depot& depot, const fs::path& content, Manifest manifest, Replace replace,
                    std::vector<std::string>& warnings) {
  const fs::path place = place_of(depot, manifest.path), manifest_file = manifest_of(depot, manifest.path);
  // One import at a time from here on, or the manifest of one could describe the release of another.
  const auto lock = lock_releases(depot);
  for (;;) {
    if (is_taken(place)) {
      const BundlePlace there(depot, manifest, warnings);
      if (there.has_bundle() && there.same_as(manifest)) {
        sync_directory(place.parent_path());  // where this failed, an import has published it all the same
        there.confirm_by(manifest);
        return false;
      }
      if (there.has_bundle() && replace == Replace::no)
        reject_different(manifest.path, there.difference_to(manifest));
      there.replace_by(content, std::move(manifest));
      return true;
    }
    put_down(manifest, manifest_file);
    try {
      move_in(depot, content, place);
      return true;
    } catch (const std::system_error& error) {
      if (!is_taken(content)) throw;  // it is at its place, and the disk failed after that
      fs::remove(manifest_file);
      if (error.code() != std::errc::file_exists) throw;
    }
  }
}

bool publish_image(const Depot& depot, const fs::path& file, const Manifest& manifest, Replace replace,
                   std::vector<std::string>& warnings) {
  const Member& image = manifest.members.front();
  const fs::path place = place_of(depot, manifest.path) / path_of(image.name),
                 manifest_file = manifest_of(depot, manifest.path);
  const auto lock = lock_releases(depot);
  auto grown = manifest_to_change(manifest_file, warnings);
  const bool known = grown && std::ranges::count(grown->members, image) > 0;
  if (grown && std::ranges::count(grown->members, image.name, &Member::name) == 0)
    make_room_for_single(*grown, place.parent_path());
  bool already_there = false;
  if (!is_taken(place)) {
    move_in(depot, file, place);
  } else if (fs::symlink_status(place).type() != fs::file_type::regular) {
    reject_in_the_way(place);
  } else if (const auto there = digested(place); there == image) {
    if (known) {
      confirm(grown, manifest, manifest_file);
      return false;
    }
    already_there = true;
  } else {
    if (replace == Replace::no)
      reject_different(manifest.path + "/" + image.name, difference({there}, {image}));
    replace_file(file, place);
  }
  // Were we killed here, the image is there as if by hand; importing it again writes this down.
  if (!grown) grown = manifest;
  grown->imported_at = manifest.imported_at;
  add(*grown, image, manifest);
  put_down(*grown, manifest_file);
  return !already_there;
}

}  // namespace storage
