#pragma once
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/archives/member.hpp"

namespace storage {

// A file that was imported, as it came: what a digest that the vendor gives, perhaps later, is compared with.
struct Origin {
  std::string name;         // the archive's or image's file name
  std::string sha512, md5;  // hex
  bool verified = true;     // no doubt about its structure, or a vendor's digest confirmed it
  friend bool operator==(const Origin&, const Origin&) = default;
};

// What import wrote down about one release: state/manifests/PRODUCT/RELEASE.yaml. The images themselves stay
// the truth; a manifest without its release means nothing.
struct Manifest {
  std::string path;                            // "/EWC/17_9_4a"
  std::string bundle;                          // the file name of the archive, or of the image that came last
  std::string imported_at;                     // UTC, "2026-11-20T11:10:23Z"
  std::string controller_version, ap_version;  // as in the .info files; empty where there was none
  std::vector<Member> members;                 // by name
  std::vector<Origin> origins = {};            // one, or one an image where single images share a directory
  bool verified = true;                        // all origins are
};

// This user may not read a manifest: nothing says that it is damaged.
struct Unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Written beside and renamed, and synced; for the group too, where it may read the folder. Throws
// std::system_error.
void save(const Manifest& manifest, const std::filesystem::path& file);
// The same from a file's text. Throws std::runtime_error with what is wrong.
Manifest parse_manifest(const std::string& text);
std::string to_yaml(const Manifest& manifest);
// Nothing when there is none. Throws std::runtime_error, with the file's name, for one that cannot be
// understood, and Unreadable.
std::optional<Manifest> load_manifest(const std::filesystem::path& file);
// Whether it cannot be understood because it is too large to be read: it may be whole.
bool is_too_large(const std::filesystem::path& file);

}  // namespace storage
