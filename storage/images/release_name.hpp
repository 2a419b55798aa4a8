#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/images/version.hpp"

namespace storage {

// The longest version of at least three fields that `text` begins with, as it stands there, of at most `most`
// fields: "17.09.04a" of "17.09.04a.zip".
std::optional<std::string> leading_version(std::string_view text, std::size_t most);
// The first version of at least three fields in a file's name, of which at most `most` are taken: 17.9.4a of
// "C9800-L-universalk9_wlc.17.09.04a.SPA.bin".
std::optional<Version> version_within(std::string_view name, std::size_t most);

// What names a release: the text of the two .info files where the bundle has them, and the bundle's own name.
struct ReleaseEvidence {
  std::string bundle_name;                        // "C9800-AP-universalk9.17.09.04a.zip"
  std::optional<std::string> controller_version;  // controller_version.info: "17.09.04a.0.6"
  std::optional<std::string> ap_version;          // version.info: "17.9.4.27"
  std::vector<std::string> members;               // empty where nobody can look inside
};

// Where a release belongs: images/PRODUCT/RELEASE.
struct ReleaseName {
  std::string product;                // "EWC", "ME", "other"
  std::string release;                // "17_9_4a", or an unknown archive's name
  std::vector<std::string> warnings;  // sources that disagree, each shown
};

// What the first vendor says that knows the bundle; else "other", and the bundle's own name made safe.
ReleaseName name_release(const ReleaseEvidence& evidence);

}  // namespace storage
