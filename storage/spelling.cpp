#include "storage/spelling.hpp"

#include <algorithm>
#include <array>

#include "storage/member_name.hpp"

namespace storage {
namespace {

std::optional<Version> version_of_info(const Root& root, const Path& path) {
  const auto file = root.open_file(path);
  if (!file) return {};
  std::array<char, 128> text;
  const std::array<std::span<std::byte>, 1> pieces{std::as_writable_bytes(std::span(text))};
  const auto size = file->read(File::Pieces(pieces), 0);
  const auto line = size ? info_line({text.data(), *size}) : std::nullopt;
  return line ? Version::parse(*line) : std::nullopt;
}

bool info_has(const Root& root, const Shelf& shelf, const Version& asked) {
  if (version_of_info(root, shelf.path / "version.info") == asked) return true;
  const auto build = version_of_info(root, shelf.path / "controller_version.info");
  return build && (build == asked || release_version(*build) == asked);
}

bool fits(const Root& root, const Shelf& shelf, const Spelling::Part& asked, const Spelling::Part& real) {
  if (!asked.version || !real.version) return asked.word == real.word && !asked.version && !real.version;
  if (asked.version == real.version) return true;
  // Only a release of the same number is worth a look into its files.
  return release_version(*asked.version).fields == release_version(*real.version).fields &&
         info_has(root, shelf, *asked.version);
}

}  // namespace

Spelling::Spelling(std::span<const std::string> directories) {
  for (const auto& directory : directories) {
    auto version = version_in(directory);
    auto word = folded(version ? directory.substr(0, directory.find_first_of("0123456789")) : directory);
    if (version) word.erase(word.find_last_not_of("._- ") + 1);
    if (!word.empty()) parts.push_back({std::move(word)});
    if (version) parts.push_back({"", std::move(version)});
  }
}

bool Spelling::has_version() const {
  return std::ranges::any_of(parts, [](const Part& part) { return part.version.has_value(); });
}

bool spells(const Root& root, const Spelling& asked, const Shelf& shelf) {
  const Spelling real(shelf.path.components());
  if (real.parts.size() < asked.parts.size()) return false;
  const auto left_out = real.parts.size() - asked.parts.size();
  if (left_out > 0 && !asked.begins_with_version()) return false;
  return std::ranges::equal(asked.parts, std::span(real.parts).subspan(left_out),
                            [&](const auto& a, const auto& b) { return fits(root, shelf, a, b); });
}

}  // namespace storage
