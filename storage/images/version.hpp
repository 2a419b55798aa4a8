#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace storage {

// A release's number as vendors count: numeric fields and a rebuild letter. 17.9.4 < 17.9.4a < 17.9.5
// < 17.12.1. "17.09.04a.0.6" and "17_9_4a" are read alike, field by field; which fields make the release is
// release_version's. Classic IOS has a train and its rebuild there instead: 15.3(3)JPN3 < 15.3(3)JPN10.
struct Version {
  std::vector<std::uint32_t> fields;
  std::string letter;  // of the last field, or the train "jpn"; empty for most. Build numbers behind a letter
                       // (".0.6") are not kept
  std::uint32_t rebuild = 0;                                   // of the train
  static std::optional<Version> parse(std::string_view text);  // separators: "." "_" "-", and IOS' "(3)"
  std::string joined(char separator) const;                    // "17_9_4a", without leading zeros
  friend std::strong_ordering operator<=>(const Version&, const Version&) = default;
};

// IOS XE begins with 16, and its releases have three fields. AireOS, and with it Mobility Express, ended
// with 8.10, and has four.
bool is_ios_xe(const Version& version);

// The release that an IOS XE version belongs to, its first three fields and the letter: 17.9.4.27 is
// of 17.9.4.
Version release_version(const Version& version);

// "ap1g8", "c3700", "ap802": the part of an image's name that says which models it fits.
bool is_image_family(std::string_view name);

// The one line of an .info file, without white space, BOM and line end. Nothing when it is no such line.
std::optional<std::string> info_line(std::string_view content);

}  // namespace storage
