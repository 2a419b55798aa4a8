#include <array>
#include <system_error>

#include "storage/files/listing_windows.hpp"
#include "storage/files/own_folder.hpp"
#include "storage/files/privacy_windows.hpp"
#include "storage/files/rights_windows.hpp"
#include "storage/files/windows_name.hpp"

namespace storage {
namespace {

constexpr ACCESS_MASK to_list = FILE_LIST_DIRECTORY;
constexpr ACCESS_MASK to_examine = to_list | READ_CONTROL;

// None where it is not one of ours.
Handle own(Result<Handle> folder, OwnFolder::Place place) {
  if (!folder) return {};
  const auto attributes = attributes_of(native(*folder));
  if (!attributes || attributes->kind != Kind::directory) return {};
  if (place == OwnFolder::Place::shared && !is_ours(native(*folder))) return {};
  return std::move(*folder);
}

void remove_at(const Handle& folder, const std::string& name, ULONG options) noexcept {
  try {
    if (!is_windows_name(name)) return;
    if (const auto there = open_at(native(folder), widen(name), DELETE, options)) remove_by(native(*there));
  } catch (const std::exception&) {  // no memory, or not a name of Windows
  }
}

}  // namespace

std::optional<OwnFolder> OwnFolder::open(const std::filesystem::path& folder, Place place) {
  auto handle = own(open_path(folder, to_examine, Last::itself), place);
  return handle ? std::optional(OwnFolder(std::move(handle), place)) : std::nullopt;
}

std::optional<OwnFolder> OwnFolder::open_below(const std::string& name) const {
  if (!is_windows_name(name)) return {};
  auto handle = own(open_at(native(handle_), widen(name), to_examine, FILE_DIRECTORY_FILE), place_);
  return handle ? std::optional(OwnFolder(std::move(handle), place_)) : std::nullopt;
}

// The handle that makes it is the one that is kept: nothing else can come to have the name in between.
std::optional<OwnFolder> OwnFolder::make_below(const std::string& name) const {
  constexpr unsigned for_us_alone = 0700;
  auto made = make_at(native(handle_), widen(name), to_examine, Make::folder, rights_of(for_us_alone));
  if (made) return OwnFolder(std::move(*made), place_);
  if (made.error() == std::errc::file_exists) return {};
  throw std::system_error(made.error(), "cannot make the folder " + name);
}

// By a handle of its own, which begins at the first name. No text of ours could name what is not Unicode.
std::vector<std::string> OwnFolder::names() const {
  const auto folder = open_at(native(handle_), {}, to_list);
  if (!folder) throw std::system_error(folder.error(), "cannot read a folder");
  std::array<std::uint64_t, (8 << 10) / sizeof(std::uint64_t)> buffer;
  Listing listing(native(*folder), buffer);
  std::vector<std::string> names;
  std::error_code error;
  while (const auto entry = listing.next(error))
    if (auto name = narrow(entry->name)) names.push_back(std::move(*name));
  if (error) throw std::system_error(error, "cannot read a folder");
  return names;
}

void OwnFolder::remove_file(const std::string& name) const noexcept {
  remove_at(handle_, name, FILE_NON_DIRECTORY_FILE);
}

void OwnFolder::remove_folder(const std::string& name) const noexcept {
  remove_at(handle_, name, FILE_DIRECTORY_FILE);
}

}  // namespace storage
