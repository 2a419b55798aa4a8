#pragma once
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "storage/files/file.hpp"
#include "storage/files/path.hpp"
#include "storage/lookup/lookup_settings.hpp"
#include "storage/lookup/rule.hpp"

namespace storage {

class Catalogue;
class Root;

// A file that was found and opened.
struct Found {
  Path path;  // the file's own
  File file;
  Rule rule = Rule::exact;
};
// Why a lookup has no file.
struct NotFound {
  std::expected<Path, PathError> asked;  // as it was understood, aliases put in
  std::error_code error;                 // what the system said of the path
  bool forgiving = true;
  bool withheld = false;            // it is an upload, and LookupSettings::uploads is false
  std::optional<Alias> alias = {};  // the one that was put in
};

// Finds the image that a device asks for, by the name as it is written and by the aliases: costs no scan, and
// no catalogue. May wait for the disk, as may all that follows: for a worker.
std::expected<Found, NotFound> find_as_asked(const Root& root, std::string_view asked, AboveRoot above,
                                             const LookupSettings& settings);

// The same, and what was plainly meant, where the settings forgive: what the catalogue knows decides, and
// what the root holds is opened. Never another image family, never a look-alike, and nothing where two files
// fit.
std::expected<Found, NotFound> find_image(const Root& root, const Catalogue& catalogue,
                                          std::string_view asked, AboveRoot above,
                                          const LookupSettings& settings);

// What `path` stands for; nothing where no alias fits.
std::optional<Path> aliased(const Path& path, const std::vector<Alias>& aliases);

// Every directory that holds images, the oldest version first, and what is promoted behind all others.
std::vector<Path> list_releases(const Catalogue& catalogue);

}  // namespace storage
