#pragma once
#include <string>
#include <string_view>

#include "storage/files/path.hpp"
#include "storage/images/release_name.hpp"

namespace storage {

// The product of what nobody knows. Its folder collects files of any origin: it is never a release, whatever
// .info files lie there.
constexpr std::string_view other_product = "other";
inline bool is_other(const Path& folder) { return folder.name() == other_product; }

// Where import.layout, "{product}/{release}", puts a release: "/EWC/17_9_4a". Throws std::system_error for a
// layout that gives no path, Rejected for a path that a pointer may have (pointer.hpp): whoever puts files
// into drop/ must not say which release is current.
std::string release_path(const std::string& layout, const ReleaseName& name);

// The folder for an image of that name: its release's, or, for one that nobody knows, what stands above the
// release in the layout, so that all of them share it: "/other". Throws as release_path() does, also for an
// image with a pointer's name.
std::string image_folder(const std::string& layout, const ReleaseName& name, const std::string& image);

}  // namespace storage
