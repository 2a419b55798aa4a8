#pragma once
#include <optional>

#include "storage/lookup/asked_name.hpp"
#include "storage/lookup/catalogue.hpp"

namespace storage {

// What a name that does not exist plainly means: another case, another spelling of the version, directories
// of an old server in front, an image's name without any directory. The file's own name must be the same but
// for case, so that no other image family is ever meant. If two files fit, neither is served.

// The file that was meant, and the rule that found it.
struct Meant {
  Path path;
  Rule rule = Rule::letter_case;
};
std::optional<Meant> plainly_meant(const Catalogue& catalogue, const AskedName& asked);

// The shelf that the directory of `asked` means, whether or not it holds the file.
const Shelf* shelf_meant(const Catalogue& catalogue, const AskedName& asked);

}  // namespace storage
