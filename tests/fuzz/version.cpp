// A version of any bytes: it comes back from each of its spellings, and what names a release is a safe name.
#include <cstdint>
#include <string>

#include "storage/files/path.hpp"
#include "storage/images/release_name.hpp"
#include "storage/images/spelling.hpp"
#include "storage/images/version.hpp"
#include "tests/fuzz/require.hpp"

using fuzz::require;
using storage::Version;

namespace {

void check_version(const Version& version) {
  require(!version.fields.empty() && version.fields.size() <= 8, "one to eight fields");
  require(version == version && !(version < version), "a version is itself");
  for (const char separator : {'.', '_', '-'})
    require(Version::parse(version.joined(separator)) == version, "it comes back from its spelling");
  const auto release = storage::release_version(version);
  require(release.fields.size() <= 3 && storage::release_version(release) == release,
          "a release's version is that of a release");
}

void check_release(std::string_view text) {
  const auto line = text.find('\n');
  const auto first = text.substr(0, line), second = line == text.npos ? text : text.substr(line + 1);
  const auto name = storage::name_release({.bundle_name = std::string(first),
                                           .controller_version = std::string(second),
                                           .ap_version = std::string(first),
                                           .members = {"ap1g8"}});
  require(storage::Path::is_component(name.product) && storage::Path::is_component(name.release),
          "a release is a folder in a folder");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto version = Version::parse(text)) check_version(*version);
  if (const auto version = storage::version_in(text)) check_version(*version);
  const auto line = storage::info_line(text);
  require(!line || storage::info_line(*line) == line, "a line is a line");
  const storage::Spelling spelling({&text, 1});
  require(storage::spells(spelling, spelling, {}), "a name spells itself");
  check_release(text);
  return 0;
}
