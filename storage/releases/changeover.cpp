#include "storage/releases/changeover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <vector>

#include "storage/files/durable.hpp"
#include "storage/files/file_text.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/releases/published.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

// Of the three, the one that is there says that a change has begun. It is written before the first step and
// removed by the last one.
fs::path exchanging_in(const Depot& depot) { return depot.changeover() / "exchanging.yaml"; }  // the manifest
fs::path replacing_in(const Depot& depot) { return depot.changeover() / "replacing.yaml"; }    // the manifest
fs::path retiring_in(const Depot& depot) { return depot.changeover() / "retiring"; }
fs::path content_in(const Depot& depot) { return depot.changeover() / "content"; }
// The manifest that the release had, while folders are exchanged.
fs::path former_in(const Depot& depot) { return depot.changeover() / "former.yaml"; }

// No name holds a NUL.
std::string to_text(const Retired& retired) {
  return fmt::format("{}{}{}", retired.path, '\0', retired.moved_to);
}

std::optional<Retired> load_retired(const fs::path& file) {
  if (!fs::exists(file)) return {};
  constexpr std::size_t longest = 64 << 10;
  const auto text = text_of(open_plain_file(file), longest);
  const auto end = text.find('\0');
  const auto release = Path::parse(text.substr(0, end));
  if (end == std::string::npos || !release || release->is_root())
    throw std::runtime_error(
        fmt::format("{} cannot be understood: remove {}", utf8_of(file), utf8_of(file.parent_path())));
  return Retired{release->text(), text.substr(end + 1)};
}

std::vector<FolderEntry> entries_of(const fs::path& folder) {
  std::vector<FolderEntry> entries;
  FolderReader reader(folder);
  while (auto entry = reader.next()) entries.push_back(std::move(*entry));
  return entries;
}

// A rename to the name that it has changes nothing, and Windows refuses it where another program has the file
// open and shares it with nobody.
void expect_movable(const fs::path& folder) {
  FolderReader reader(folder, FolderReader::Reach::tree);
  while (const auto entry = reader.next()) {
    std::error_code error;
    if (!entry->is_folder()) fs::rename(entry->path, entry->path, error);
    if (error)
      throw std::system_error(
          error, fmt::format("{} cannot be moved: close the program that has it open, and try again",
                             utf8_of(entry->path)));
  }
}

// A file that was only moved, and one that was written and then dated back, look the same to whoever reads
// it, but for the rights (content_changed()). So it becomes read-only. The transfers of a file that was so
// before, or is another user's, end with an error.
void show_the_move(const fs::path& file) {
  constexpr auto writable = fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
  std::error_code not_ours;
  fs::permissions(file, writable, fs::perm_options::remove, not_ours);
}

// Until nothing is left: a folder that changes need not show all that is in it at once.
void move_files(const fs::path& from, const fs::path& to) {
  make_directories(to, 0755);
  for (auto left = entries_of(from); !left.empty(); left = entries_of(from)) {
    for (const auto& entry : left) {
      if (entry.is_folder()) {
        move_files(entry.path, to / path_of(entry.name));
        continue;
      }
      if (entry.is_file()) show_the_move(entry.path);
      replace_file(entry.path, to / path_of(entry.name));
    }
  }
  sync_directory(to);
  fs::remove(from);
  sync_directory(from.parent_path());
}

// As at the first step or at any later one.
void go_on(const Depot& depot, const Retired& retired) {
  const auto from = place_of(depot, retired.path), place = depot.directory() / path_of(retired.moved_to);
  const auto manifest = manifest_of(depot, retired.path);
  if (fs::exists(from)) move_files(from, place);
  if (fs::exists(manifest)) replace_file(manifest, manifest_beside(place));
}

void go_on(const Depot& depot, const Manifest& manifest) {
  const auto place = place_of(depot, manifest.path), manifest_file = manifest_of(depot, manifest.path);
  fs::remove(manifest_file);
  make_directories(place, 0755);
  for (const auto& file : entries_of(content_in(depot))) {
    const auto in_place = place / path_of(file.name);
    if (fs::is_directory(fs::symlink_status(in_place))) remove_tree(in_place);
    replace_file(file.path, in_place);
  }
  for (const auto& entry : entries_of(place)) {
    if (std::ranges::count(manifest.members, entry.name, &Member::name) > 0) continue;
    if (const auto error = remove_tree(entry.path))
      throw std::system_error(error, "cannot remove " + utf8_of(entry.path));
  }
  sync_directory(place);
  make_directories(manifest_file.parent_path(), mode_as_above(manifest_file.parent_path()));
  save(manifest, manifest_file);
}

bool is_there(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

// The manifest that was written before the folders were exchanged becomes the release's. A rename needs no
// room on the disk, and ends the change.
void put_down_new(const Depot& depot, const std::string& release) {
  replace_file(exchanging_in(depot), manifest_of(depot, release));
}

void put_back_former(const Depot& depot, const std::string& release) {
  if (is_there(former_in(depot))) replace_file(former_in(depot), manifest_of(depot, release));
}

// Neither the manifest nor a folder tells whether the two folders were exchanged: the files do.
void settle(const Depot& depot, const Manifest& manifest) {
  if (holds_just(place_of(depot, manifest.path), manifest.members)) {
    put_down_new(depot, manifest.path);
  } else {
    put_back_former(depot, manifest.path);
  }
}

// What was being prepared and had not begun goes too. Were the removal lost in a power cut, the change would
// be made once more, to a release that was imported since.
void end(const Depot& depot) {
  fs::remove(exchanging_in(depot));
  fs::remove(replacing_in(depot));
  fs::remove(retiring_in(depot));
  sync_directory(depot.changeover());
  remove_tree(depot.changeover());
}

// Nothing has changed where it throws.
template <class Action>
void begin(const Depot& depot, Action action) {
  make_directories(depot.changeover(), 0700);
  try {
    action();
  } catch (const std::system_error&) {
    end(depot);
    throw;
  }
}

std::optional<Retired> finish(const Depot& depot) {
  if (!fs::exists(depot.changeover())) return {};
  if (const auto manifest = load_manifest(exchanging_in(depot))) settle(depot, *manifest);
  if (const auto manifest = load_manifest(replacing_in(depot))) go_on(depot, *manifest);
  auto retired = load_retired(retiring_in(depot));
  if (retired) go_on(depot, *retired);
  end(depot);
  return retired;
}

}  // namespace

ReleasesLock lock_releases(const Depot& depot) {
  ReleasesLock held{DirectoryLock(depot.manifests()), {}};
  held.finished = finish(depot);
  return held;
}

void move_out_by_files(const Depot& depot, const Path& release, const fs::path& place) {
  const auto from = place_of(depot, release.text());
  expect_movable(from);
  if (!is_one_file_system(from, place.parent_path()))
    throw std::system_error(std::make_error_code(std::errc::cross_device_link),
                            fmt::format("cannot move {} to {}", utf8_of(from), utf8_of(place.parent_path())));
  const Retired retired{release.text(), utf8_of(place.lexically_relative(depot.directory()))};
  begin(depot, [&] { write_durably(retiring_in(depot), to_text(retired), 0600); });
  go_on(depot, retired);
  end(depot);
}

bool replace_by_exchange(const Depot& depot, const fs::path& content, const Manifest& manifest) {
  const auto manifest_file = manifest_of(depot, manifest.path);
  begin(depot, [&] {
    fs::remove(former_in(depot));
    make_directories(manifest_file.parent_path(), mode_as_above(manifest_file.parent_path()));
    save(manifest, exchanging_in(depot));
  });
  try {
    // As long as no manifest fits, there is none.
    if (is_there(manifest_file)) replace_file(manifest_file, former_in(depot));
    const bool exchanged = exchange(content, place_of(depot, manifest.path));
    exchanged ? put_down_new(depot, manifest.path) : put_back_former(depot, manifest.path);
    end(depot);
    return exchanged;
  } catch (...) {  // before a rename took effect, or after it
    finish(depot);
    throw;
  }
}

void replace_by_files(const Depot& depot, const fs::path& content, const Manifest& manifest) {
  expect_movable(place_of(depot, manifest.path));
  begin(depot, [&] {
    rename_new(content, content_in(depot));
    save(manifest, replacing_in(depot));
  });
  go_on(depot, manifest);
  end(depot);
}

}  // namespace storage
