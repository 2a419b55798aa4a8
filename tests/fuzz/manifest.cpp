// A manifest of any bytes: refused with a reason, or one whose names lead nowhere else and that comes back as
// it was written.
#include "storage/releases/manifest.hpp"

#include <cstdint>
#include <stdexcept>

#include "storage/files/path.hpp"
#include "tests/fuzz/require.hpp"

using fuzz::require;

namespace {

bool is_utf8_text(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x7f) return false;
  return true;
}

void check(const storage::Manifest& manifest) {
  const auto path = storage::Path::parse(manifest.path, storage::AboveRoot::refused);
  require(path && !path->is_root() && path->text() == manifest.path, "its path is a release's");
  bool plain = is_utf8_text(manifest.bundle) && is_utf8_text(manifest.imported_at) &&
               is_utf8_text(manifest.path) && is_utf8_text(manifest.controller_version) &&
               is_utf8_text(manifest.ap_version);
  for (const auto& member : manifest.members) {
    require(storage::Path::is_component(member.name), "a member's name is one component");
    require(member.sha256.size() == 64, "a digest is one");
    plain = plain && is_utf8_text(member.name);
  }
  for (const auto& origin : manifest.origins) plain = plain && is_utf8_text(origin.name);
  if (!plain) return;  // yaml-cpp replaces what is not UTF-8
  const auto again = storage::parse_manifest(storage::to_yaml(manifest));
  require(again.members == manifest.members && again.origins == manifest.origins, "it comes back whole");
  require(again.bundle == manifest.bundle && again.verified == manifest.verified, "and in all its fields");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  storage::Manifest manifest;
  try {
    manifest = storage::parse_manifest({reinterpret_cast<const char*>(data), size});
  } catch (const std::exception& refused) {
    require(refused.what()[0] != '\0', "a refusal has a reason");
    return 0;
  }
  check(manifest);
  return 0;
}
