#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace storage {

// What it took to serve a file for the name that was asked, the weakest first. Of several, the strongest is
// told.
enum class Rule : std::uint8_t {
  exact,
  slashes,       // the same path, written with "//", "./", backslashes or as a URL
  letter_case,   // upper and lower case differ
  version,       // another spelling of the release
  prefix,        // directories, or a drive, that an old server had in front
  only_release,  // no directory at all: of the one release that has such an image
  promoted,      // no directory at all: of the release that is promoted
  alias,         // the administrator's own
};

// The log's word.
constexpr std::string_view rule_name(Rule rule) {
  constexpr std::array<std::string_view, 8> names = {"exact",  "slashes",      "case",     "version",
                                                     "prefix", "only_release", "promoted", "alias"};
  return names[static_cast<std::size_t>(rule)];
}

}  // namespace storage
