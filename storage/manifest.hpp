#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace storage {

struct Member {
  std::string name;
  std::uint64_t size = 0;
  std::string sha256;  // hex
  friend bool operator==(const Member&, const Member&) = default;
};

// What import wrote down about one release: state/manifests/PRODUCT/RELEASE.yaml. The images themselves stay
// the truth; a manifest without its release means nothing.
struct Manifest {
  std::string path;                            // "/EWC/17_9_4a"
  std::string bundle;                          // the archive's file name
  std::string imported_at;                     // UTC, "2026-11-20T11:10:23Z"
  std::string controller_version, ap_version;  // as in the .info files; empty where there was none
  std::vector<Member> members;                 // by name
  bool verified = true;
};

// Written beside and renamed, and synced. Throws std::system_error.
void save(const Manifest& manifest, const std::filesystem::path& file);
// Nothing when there is none. Throws std::runtime_error, with the file's name, for one that cannot be
// understood.
std::optional<Manifest> load_manifest(const std::filesystem::path& file);

}  // namespace storage
