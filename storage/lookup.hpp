#pragma once
#include <expected>
#include <string_view>
#include <vector>

#include "storage/lookup_settings.hpp"
#include "storage/miss.hpp"
#include "storage/root.hpp"
#include "storage/rule.hpp"

namespace storage {

struct Found {
  Path path;  // the file's own
  File file;
  Rule rule = Rule::exact;
};
struct NotFound {
  std::expected<Path, PathError> asked;  // as it was understood, aliases put in
  std::error_code error;                 // what the system said of the path
  bool forgiving = true;
};

// Finds the image that a device asks for. A name that exists costs no scan; one that does not is forgiven
// what the settings allow, and costs one. Never another image family, never a look-alike, and nothing where
// two files fit. May wait for the disk: for a worker.
std::expected<Found, NotFound> find_image(const Root& root, std::string_view asked, AboveRoot above,
                                          const LookupSettings& settings);

// Every directory that holds images, the oldest version first. Costs a scan.
std::vector<Path> list_releases(const Root& root);

// Explains a name that could not be opened or examined. Looks at every release below the root and at the
// archives that lie there, so it costs a scan.
Miss explain_miss(const Root& root, const Path& asked, std::error_code error);
Miss explain_miss(std::string_view asked, PathError error);
Miss explain_miss(const Root& root, std::string_view asked, const NotFound& miss);
// The same without the scan: what can be said at once when too many ask.
Miss plain_miss(std::string_view asked, std::error_code error);

}  // namespace storage
