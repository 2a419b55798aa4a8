#include "storage/images/spelling.hpp"

#include <algorithm>

#include "storage/archives/member_name.hpp"

namespace storage {
namespace {

constexpr std::string_view digits = "0123456789";

bool fits(const Spelling::Part& asked, const Spelling::Part& real, std::span<const Version> builds) {
  if (!asked.version || !real.version) return asked.word == real.word && !asked.version && !real.version;
  if (asked.version == real.version) return true;
  // A directory whose name and content differ is what its name says.
  return release_version(*asked.version).fields == release_version(*real.version).fields &&
         std::ranges::find(builds, *asked.version) != builds.end();
}

}  // namespace

Spelling::Spelling(std::span<const std::string> directories) {
  for (const auto& directory : directories) {
    auto version = version_in(directory);
    auto word = folded(version ? directory.substr(0, directory.find_first_of(digits)) : directory);
    if (version) word.erase(word.find_last_not_of("._- ") + 1);
    if (!word.empty()) parts.push_back({std::move(word)});
    if (version) parts.push_back({"", std::move(version)});
  }
}

const Version* Spelling::version() const {
  const auto last =
      std::find_if(parts.rbegin(), parts.rend(), [](const Part& part) { return part.version.has_value(); });
  return last == parts.rend() ? nullptr : &*last->version;
}

bool spells(const Spelling& asked, const Spelling& real, std::span<const Version> builds) {
  if (real.parts.size() < asked.parts.size()) return false;
  const auto left_out = real.parts.size() - asked.parts.size();
  if (left_out > 0 && !asked.begins_with_version()) return false;
  return std::ranges::equal(asked.parts, std::span(real.parts).subspan(left_out),
                            [&](const auto& a, const auto& b) { return fits(a, b, builds); });
}

std::optional<Version> version_in(std::string_view directory) {
  const auto digit = directory.find_first_of(digits);
  if (digit == std::string_view::npos) return {};
  auto version = Version::parse(directory.substr(digit));
  if (!version || version->fields.size() < 2) return {};
  return version;
}

}  // namespace storage
