#include <fmt/format.h>

#include <string_view>
#include <system_error>

#include "storage/files/durable.hpp"
#include "storage/files/file_windows.hpp"
#include "storage/files/one_line.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/files/rights_windows.hpp"
#include "storage/import/dropped_file.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

// NAME.file.999.reason.txt must fit into the 255 bytes of a file name.
constexpr std::size_t longest_rejected = 230;
constexpr auto no_reason_ending = ".file";

// At most so many bytes of it, and whole characters.
std::string beginning_of(const std::string& name) {
  auto size = std::min(name.size(), longest_rejected);
  const auto goes_on = [&name](std::size_t at) {
    return at < name.size() && (static_cast<unsigned char>(name[at]) & 0xc0) == 0x80;
  };
  while (size > 0 && goes_on(size)) --size;
  return name.substr(0, size);
}

bool is_taken(const fs::path& path) {
  const auto there = open_path(path, FILE_READ_ATTRIBUTES, Last::itself);
  if (there || there.error() == std::errc::no_such_file_or_directory) return there.has_value();
  throw std::system_error(there.error(), "cannot examine " + utf8_of(path));
}

// Both names are free. That only saves a retry: what never overwrites is the rename. It is never the name of
// a reason, which is counted and shown nowhere.
fs::path free_name(const fs::path& directory, const std::string& name) {
  auto stem = beginning_of(name);
  if (is_reason(stem)) stem += no_reason_ending;
  auto candidate = directory / path_of(stem);
  for (int n = 2; is_taken(candidate) || is_taken(reason_beside(candidate)); ++n)
    candidate = directory / path_of(fmt::format("{}.{}", stem, n));
  return candidate;
}

// What drop/ has under that name, held so that nobody else writes to it, renames it or removes it. Nothing
// where it is not the very file as it was read, and while somebody writes to it. A program that only reads it
// and lets nobody move it meanwhile, as scanners do, is waited for, within reason.
std::optional<Handle> hold_very(const fs::path& path, const File& file) {
  constexpr int most_tries = 60;
  constexpr DWORD pause = 50;  // milliseconds
  for (int tries = 1;; ++tries) {
    auto held = open_path(path, DELETE, Last::itself, FILE_SHARE_READ);
    if (held) {
      const auto now = attributes_of(native(*held));
      if (!now || now->version != file.at_open().version) return std::nullopt;
      return std::move(*held);
    }
    if (held.error() == std::errc::no_such_file_or_directory || is_open_for_writing(path))
      return std::nullopt;
    if (held.error() != std::errc::device_or_resource_busy || tries == most_tries)
      throw std::system_error(held.error(), fmt::format("cannot take {} out of drop/; close the program that "
                                                        "has it open",
                                                        utf8_of(path)));
    ::Sleep(pause);
  }
}

// Where the very file lies then; with a reason beside it if there is one.
template <class FreeName>
std::optional<fs::path> move_very(const Depot& depot, const fs::path& path, const File& file, FreeName free,
                                  const std::string& reason) {
  const auto held = hold_very(path, file);
  if (!held) return std::nullopt;
  for (;;) {
    const fs::path place = free();
    // The reason first: were we killed in between, the file is still in drop/, and is judged again.
    const auto reason_file = reason_beside(place);
    if (!reason.empty()) write_durably(reason_file, reason, 0644);
    const auto error = rename_to(native(*held), nullptr, system_path(place), Onto::nothing);
    if (!error) {
      inherit_rights(place);
      sync_directory(place.parent_path());
      sync_directory(depot.drop());
      return place;
    }
    std::error_code ignored;
    if (!reason.empty()) fs::remove(reason_file, ignored);
    if (error != std::errc::file_exists)
      throw std::system_error(error, fmt::format("cannot move {} to {}", utf8_of(path), utf8_of(place)));
  }
}

}  // namespace

// A file that is held cannot change, so that it needs no private folder in which it is looked at again.
DroppedFile::DroppedFile(const Depot& depot, std::string name)
    : depot_(&depot),
      name_(std::move(name)),
      file_(open_plain_file(path())),
      written_(file_.at_open().version.changed) {}

bool DroppedFile::remove() const {
  {
    const auto held = hold_very(path(), file_);
    if (!held) return false;
    if (const auto error = remove_by(native(*held)))
      throw std::system_error(error, "cannot remove " + utf8_of(path()));
  }
  sync_directory(depot_->drop());
  return true;
}

bool DroppedFile::keep() const {
  make_directories(depot_->bundles(), 0755);
  const auto name = [&] { return free_name(depot_->bundles(), name_); };
  return move_very(*depot_, path(), file_, name, {}).has_value();
}

std::optional<fs::path> DroppedFile::reject(const std::string& reason) const {
  make_directories(depot_->rejected(), 0755);  // who empties it may have removed it
  const auto name = [&] { return free_name(depot_->rejected(), name_); };
  return move_very(*depot_, path(), file_, name, one_line(reason) + "\n");
}

std::optional<DirectoryLock> hold_drop(const Depot& depot) { return DirectoryLock::try_to(depot.staging()); }

}  // namespace storage
