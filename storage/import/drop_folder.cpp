#include "storage/import/drop_folder.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <ranges>
#include <string_view>
#include <system_error>
#include <utility>

#include "storage/archives/clutter.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

bool ends_with_folded(std::string_view name, std::string_view lower_case) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return name.size() >= lower_case.size() &&
         std::ranges::equal(name.substr(name.size() - lower_case.size()), lower_case, same);
}

}  // namespace

bool is_in_the_making(std::string_view name) {
  // Chrome and Edge, Firefox, Safari, Opera, Internet Explorer, WinSCP, aria2, wget and curl's wrappers,
  // BitTorrent programs, download managers, and what editors and rsync leave.
  constexpr std::array<std::string_view, 21> endings = {
      ".part", ".crdownload",  ".download", ".opdownload", ".partial", ".filepart",   ".tmp",
      ".temp", ".aria2",       ".!ut",      ".!qb",        ".!bt",     ".bc!",        ".jc!",
      ".xltd", ".fdmdownload", ".ytdl",     ".dtapart",    ".swp",     ".incomplete", "~"};
  return name.starts_with('.') || name.starts_with("~") || is_clutter(name) ||
         std::ranges::any_of(endings, [&](auto ending) { return ends_with_folded(name, ending); });
}

void DropFolder::changed(const std::string& name, Time now) {
  wait_for(name, now + settle_unseen_, most_names);
}

void DropFolder::closed(const std::string& name, Time now) { wait_for(name, now + settle_, most_names); }

bool DropFolder::found(const std::string& name, Time written) {
  return wait_for(name, written + settle_unseen_, 2 * most_names);
}

bool DropFolder::wait_for(const std::string& name, Time due, std::size_t most) {
  if (is_in_the_making(name)) return true;
  const auto place = due_.find(name);
  if (place == due_.end() && due_.size() >= most) return false;
  due_[name] = due;
  return true;
}

void DropFolder::gone(const std::string& name) { due_.erase(name); }

std::vector<std::string> DropFolder::take_ready(Time now) {
  std::vector<std::string> ready;
  for (auto place = due_.begin(); place != due_.end();) {
    const auto each = place++;
    if (each->second <= now) ready.push_back(std::move(due_.extract(each).key()));
  }
  return ready;
}

std::optional<DropFolder::Time> DropFolder::deadline() const {
  if (due_.empty()) return std::nullopt;
  return std::ranges::min(due_ | std::views::values);
}

DropKind kind_of_drop(const Depot& depot, const std::string& name) {
  const auto file = depot.drop() / path_of(name);
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

}  // namespace storage
