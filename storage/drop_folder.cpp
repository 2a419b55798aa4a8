#include "storage/drop_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <string_view>
#include <system_error>

#include "storage/durable.hpp"
#include "storage/plain_file.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

// NAME.999.reason.txt must fit into the 255 bytes of a file name.
constexpr std::size_t longest_rejected = 230;

bool ends_with_folded(std::string_view name, std::string_view lower_case) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return name.size() >= lower_case.size() &&
         std::ranges::equal(name.substr(name.size() - lower_case.size()), lower_case, same);
}

bool is_in_the_making(std::string_view name) {
  constexpr std::array<std::string_view, 5> endings = {".part", ".filepart", ".tmp", ".crdownload", "~"};
  return name.starts_with('.') ||
         std::ranges::any_of(endings, [&](auto ending) { return ends_with_folded(name, ending); });
}

fs::path reason_beside(const fs::path& file) { return file.string() + ".reason.txt"; }

// Both names are free. That only saves a retry: what never overwrites is rename_new.
fs::path free_name(const fs::path& directory, const std::string& name) {
  const std::string stem = name.substr(0, longest_rejected);
  fs::path candidate = directory / stem;
  for (int n = 2;
       fs::exists(fs::symlink_status(candidate)) || fs::exists(fs::symlink_status(reason_beside(candidate)));
       ++n)
    candidate = directory / fmt::format("{}.{}", stem, n);
  return candidate;
}

}  // namespace

void DropFolder::changed(const std::string& name, Time now) {
  if (!is_in_the_making(name)) due_[name] = now + settle_unseen_;
}

void DropFolder::closed(const std::string& name, Time now) {
  if (!is_in_the_making(name)) due_[name] = now + settle_;
}

void DropFolder::gone(const std::string& name) { due_.erase(name); }

std::vector<std::string> DropFolder::take_ready(Time now) {
  std::vector<std::string> ready;
  for (const auto& [name, due] : due_)
    if (due <= now) ready.push_back(name);
  for (const auto& name : ready) due_.erase(name);
  return ready;
}

std::optional<DropFolder::Time> DropFolder::deadline() const {
  if (due_.empty()) return std::nullopt;
  return std::ranges::min(due_ | std::views::values);
}

DropKind kind_of_drop(const Depot& depot, const std::string& name) {
  const auto file = depot.drop() / name;
  std::error_code error;
  switch (fs::symlink_status(file, error).type()) {
    case fs::file_type::regular:
      return is_open_for_writing(file) ? DropKind::being_written : DropKind::file;
    case fs::file_type::not_found:
    case fs::file_type::none:  // it cannot be examined
      return DropKind::gone;
    default:
      return DropKind::not_a_file;
  }
}

void remove_drop(const Depot& depot, const std::string& name) {
  fs::remove(depot.drop() / name);
  sync_directory(depot.drop());
}

void keep_drop(const Depot& depot, const std::string& name) {
  make_directories(depot.bundles(), 0755);
  for (;;) {
    try {
      return rename_new(depot.drop() / name, free_name(depot.bundles(), name));
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::file_exists) throw;
    }
  }
}

fs::path reject_drop(const Depot& depot, const std::string& name, const std::string& reason) {
  for (;;) {
    const fs::path file = free_name(depot.rejected(), name);
    // The reason first: were we killed in between, the drop is still there and will be judged again.
    write_durably(reason_beside(file), reason + "\n", 0644);
    try {
      rename_new(depot.drop() / name, file);
      return file;
    } catch (const std::system_error& error) {
      fs::remove(reason_beside(file));
      if (error.code() != std::errc::file_exists) throw;
    }
  }
}

}  // namespace storage
