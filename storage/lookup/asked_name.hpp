#pragma once
#include <expected>
#include <string_view>

#include "storage/files/path.hpp"
#include "storage/lookup/rule.hpp"

namespace storage {

// A name as a device wrote it, read as a path: backslashes, a URL and a Windows drive are understood here and
// nowhere else.
struct AskedName {
  Path path;
  Rule rule = Rule::exact;  // exact, slashes, or prefix where a drive was taken off
};

// Percent signs are letters like others, even in a URL. A name that climbs is refused however it is written.
std::expected<AskedName, PathError> read_name(std::string_view asked, AboveRoot above);

// Whether `asked` is how `path` is written, with or without the leading slash, which TFTP clients often leave
// out.
bool is_exact_name(std::string_view asked, const Path& path);

}  // namespace storage
