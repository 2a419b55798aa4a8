#include "storage/archives/clutter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "storage/archives/member_name.hpp"

namespace storage {
namespace {

constexpr std::size_t most_named = 3;

// Folded. Files and folders alike: what lies in such a folder is clutter too.
constexpr std::array<std::string_view, 25> names = {"__macosx",
                                                    ".ds_store",
                                                    ".appledouble",
                                                    ".appledb",
                                                    ".appledesktop",
                                                    ".lsoverride",
                                                    ".spotlight-v100",
                                                    ".trashes",
                                                    ".fseventsd",
                                                    ".temporaryitems",
                                                    ".documentrevisions-v100",
                                                    ".volumeicon.icns",
                                                    ".com.apple.timemachine.donotpresent",
                                                    ".apdisk",
                                                    "icon\r",
                                                    "thumbs.db",
                                                    "ehthumbs.db",
                                                    "desktop.ini",
                                                    "$recycle.bin",
                                                    "system volume information",
                                                    "@eadir",
                                                    "#recycle",
                                                    "@recycle",
                                                    ".directory",
                                                    "lost+found"};
// NTFS' mark of a download, as it looks where there are no streams: with a colon, or with the sign that WSL
// and Samba put in its place.
constexpr std::array<std::string_view, 5> endings = {":zone.identifier", ":zone.identifier:$data",
                                                     ".zone.identifier", "\xef\x80\xbazone.identifier",
                                                     "_zone.identifier"};

bool is_clutter_component(std::string_view component) {
  const auto lower = folded(component);
  return lower.starts_with("._") || lower.starts_with(".trash-") ||
         std::ranges::find(names, lower) != names.end() ||
         std::ranges::any_of(endings, [&](auto ending) { return lower.ends_with(ending); });
}

bool leads_anywhere(std::string_view name) {
  if (name.starts_with('/') || name.find('\\') != std::string_view::npos) return true;
  for (std::size_t at = 0; at <= name.size();) {
    const auto slash = std::min(name.find('/', at), name.size());
    if (name.substr(at, slash - at) == "..") return true;
    at = slash + 1;
  }
  return false;
}

}  // namespace

bool is_clutter(std::string_view name) {
  if (leads_anywhere(name)) return false;
  for (std::size_t at = 0; at < name.size();) {
    const auto slash = std::min(name.find('/', at), name.size());
    if (is_clutter_component(name.substr(at, slash - at))) return true;
    at = slash + 1;
  }
  return false;
}

std::string left_out_text(const std::vector<std::string>& left_out) {
  std::string list;
  for (std::size_t i = 0; i < std::min(left_out.size(), most_named); ++i)
    list += (list.empty() ? "" : ", ") + in_quotes(left_out[i]);
  if (left_out.size() > most_named) list += fmt::format(" and {} more", left_out.size() - most_named);
  return "left out what an operating system put beside the images: " + list;
}

}  // namespace storage
