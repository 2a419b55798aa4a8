#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace storage {

// The files that operating systems and file managers leave beside an administrator's own: Finder's .DS_Store
// and ._NAME, Explorer's Thumbs.db, desktop.ini and Zone.Identifier, a NAS's @eaDir. They are part of no
// bundle, and nobody asks for them. Pure.

// Whether `name`, a file's name or a path inside an archive, is such a file or lies in such a folder. A path
// that leads anywhere ("/", "..", a backslash) is not, so that it is judged and refused as any other.
bool is_clutter(std::string_view name);

// "left out what macOS or Windows put there: "__MACOSX/._ap1g7", ".DS_Store" and 5 more". `names` are raw.
std::string left_out_text(const std::vector<std::string>& names);

}  // namespace storage
