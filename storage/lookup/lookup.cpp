#include "storage/lookup/lookup.hpp"

#include <algorithm>

#include "storage/files/root.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/images/layout.hpp"
#include "storage/lookup/asked_name.hpp"
#include "storage/lookup/forgiving.hpp"

namespace storage {
namespace {

using Outcome = std::expected<Found, NotFound>;

Outcome open(const Root& root, Path path, Rule rule) {
  auto file = root.open_file(path);
  if (!file) return std::unexpected(NotFound{std::move(path), file.error()});
  return Found{std::move(path), std::move(*file), rule};
}

bool decided(const Outcome& outcome) {
  if (outcome) return true;
  const auto& error = outcome.error().error;
  return error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory;
}

// A bare name behind a drive says nothing about where it belongs; an upload has one path.
bool may_serve(const AskedName& asked, bool forgiving) {
  if (!forgiving) return asked.rule == Rule::exact;
  if (is_in_uploads(asked.path)) return asked.rule != Rule::prefix;
  return asked.rule != Rule::prefix || asked.path.components().size() > 1;
}

std::expected<Path, PathError> path_of(const std::expected<AskedName, PathError>& name) {
  if (!name) return std::unexpected(name.error());
  return name->path;
}

Outcome open_as_asked(const Root& root, const AskedName& asked, bool forgiving) {
  auto outcome = open(root, asked.path, asked.rule);
  if (!outcome || may_serve(asked, forgiving)) return outcome;
  return std::unexpected(NotFound{asked.path, std::make_error_code(std::errc::no_such_file_or_directory)});
}

bool begins_with(const Path& path, const Path& beginning) {
  return std::ranges::mismatch(path.components(), beginning.components()).in2 == beginning.components().end();
}

const Alias* longest_alias(const std::vector<Alias>& aliases, const Path& path) {
  const Alias* longest = nullptr;
  for (const auto& alias : aliases) {
    if (!begins_with(path, alias.from)) continue;
    if (!longest || alias.from.components().size() > longest->from.components().size()) longest = &alias;
  }
  return longest;
}

Path remapped(const Path& path, const Alias& alias) {
  return alias.to / path.below(alias.from.components().size());
}

Outcome open_as_meant(const Root& root, const Catalogue& catalogue, const AskedName& asked, Outcome missing) {
  auto meant = plainly_meant(catalogue, asked);
  return meant ? open(root, std::move(meant->path), meant->rule) : std::move(missing);
}

Outcome withheld(Path path) {
  return std::unexpected(NotFound{.asked = std::move(path),
                                  .error = std::make_error_code(std::errc::permission_denied),
                                  .withheld = true});
}

Outcome find_any(const Root& root, const Catalogue* catalogue, const AskedName& asked,
                 const LookupSettings& settings) {
  if (!settings.uploads && is_in_uploads(asked.path)) return withheld(asked.path);
  auto outcome = open_as_asked(root, asked, settings.forgiving);
  if (decided(outcome) || (!settings.forgiving && asked.rule != Rule::exact)) return outcome;
  const auto* alias = longest_alias(settings.aliases, asked.path);
  const auto target = alias ? AskedName{remapped(asked.path, *alias)} : asked;
  const bool upload = is_in_uploads(target.path);
  if (upload && !settings.uploads) return withheld(target.path);
  if (alias) outcome = open(root, target.path, Rule::alias);
  if (!decided(outcome) && settings.forgiving && catalogue && !upload)
    outcome = open_as_meant(root, *catalogue, target, std::move(outcome));
  if (alias && outcome) outcome->rule = Rule::alias;
  if (alias && !outcome) outcome.error().alias = *alias;
  return outcome;
}

Outcome find(const Root& root, const Catalogue* catalogue, const AskedName& asked,
             const LookupSettings& settings) {
  auto outcome = find_any(root, catalogue, asked, settings);
  if (outcome && !settings.uploads && is_in_uploads(root, outcome->path)) return withheld(outcome->path);
  return outcome;
}

Outcome look_up(const Root& root, const Catalogue* catalogue, std::string_view asked, AboveRoot above,
                const LookupSettings& settings) {
  const auto name = read_name(asked, above);
  if (!name) return std::unexpected(NotFound{path_of(name), {}, settings.forgiving});
  auto outcome = find(root, catalogue, *name, settings);
  if (!outcome) outcome.error().forgiving = settings.forgiving;
  return outcome;
}

}  // namespace

Outcome find_as_asked(const Root& root, std::string_view asked, AboveRoot above,
                      const LookupSettings& settings) {
  return look_up(root, nullptr, asked, above, settings);
}

Outcome find_image(const Root& root, const Catalogue& catalogue, std::string_view asked, AboveRoot above,
                   const LookupSettings& settings) {
  return look_up(root, &catalogue, asked, above, settings);
}

std::optional<Path> aliased(const Path& path, const std::vector<Alias>& aliases) {
  const auto* alias = longest_alias(aliases, path);
  return alias ? std::optional(remapped(path, *alias)) : std::nullopt;
}

std::vector<Path> list_releases(const Catalogue& catalogue) {
  Catalogue::Shelves shelves;
  for (const auto& shelf : catalogue.shelves()) {
    if (!shelf.linked && !is_other(shelf.path) && shelf.has_images()) shelves.push_back(&shelf);
  }
  std::ranges::stable_sort(shelves, {},
                           [](const Shelf* shelf) { return std::pair(shelf->promoted, shelf->version()); });
  std::vector<Path> releases;
  for (const auto* shelf : shelves) releases.push_back(shelf->path);
  return releases;
}

}  // namespace storage
