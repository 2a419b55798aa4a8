#include "storage/releases/releases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "conf/families.hpp"
#include "server/commands/command.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "server/text/release_json.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/depot_shape.hpp"
#include "storage/files/root.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--json", "", "print JSON"},
                       {"--models", "", "which image a model takes, and where it is: of all, or of [MODEL]"}};

using storage::Release;

std::optional<std::string> family_of(const std::string& image) {
  return storage::is_image_family(image) ? std::optional(image) : std::nullopt;
}

std::string to_json(const Release& release) { return json_object_of(release).text(); }

void print(const Release& release) {
  const auto origin = !release.imported_at
                          ? std::string("put there by hand")
                          : fmt::format("imported {}, {}", escaped(*release.imported_at, whole),
                                        *release.verified ? "verified" : "not verified");
  std::uint64_t bytes = 0;
  for (const auto& image : release.images) bytes += image.size;
  fmt::print("{}  {}  {} files, {} bytes, {}{}\n", escaped(release.path.text(), whole),
             escaped(release.product, whole), release.images.size(), bytes, origin,
             release.current ? ", current" : "");
  if (!release.spellings.empty())
    fmt::print("  is {}\n", escaped(fmt::format("{}", fmt::join(release.spellings, ", ")), whole));
  for (const auto& image : release.images)
    fmt::print("  {:>12}  {}\n", image.size, escaped(image.name, whole));
}

// A family, and the releases that have an image of it.
struct Row {
  conf::Family family;
  std::vector<std::string> releases;
};

std::vector<Row> rows_for(const std::vector<Release>& releases, const std::optional<std::string>& model) {
  std::vector<Row> rows;
  const auto add = [&](conf::Family family) {
    Row row{std::move(family), {}};
    for (const auto& release : releases) {
      if (std::ranges::find(release.images, row.family.name, &Release::Image::name) != release.images.end())
        row.releases.push_back(release.path.text());
    }
    rows.push_back(std::move(row));
  };
  for (auto& family : model ? conf::families_for(*model) : conf::families()) add(std::move(family));
  if (model) return rows;
  for (const auto& release : releases) {  // families that the table does not know are shown too
    for (const auto& image : release.images) {
      const auto known = [&](const Row& row) { return row.family.name == image.name; };
      if (family_of(image.name) && std::ranges::none_of(rows, known)) add({image.name, {}, {}});
    }
  }
  return rows;
}

std::string to_json(const Row& row) {
  JsonObject object;
  object.add("family", row.family.name, whole);
  object.add_raw("models", json_texts(row.family.models));
  object.add_raw("unconfirmed", json_texts(row.family.unconfirmed));
  object.add_raw("releases", json_texts(row.releases));
  return object.text();
}

void print(const Row& row) {
  const auto models = row.family.text();
  const auto places = escaped(fmt::format("{}", fmt::join(row.releases, ", ")), whole);
  fmt::print("{:<8} {:<48} {}\n", row.family.name, models.empty() ? "models unknown" : models,
             places.empty() ? "not here" : places);
}

template <class Things>
void print_all(const Things& things, bool json) {
  if (!json) {
    for (const auto& thing : things) print(thing);
    return;
  }
  std::vector<std::string> elements;
  for (const auto& thing : things) elements.push_back(to_json(thing));
  fmt::print("{}\n", json_list(elements));
}

int print_models(const std::vector<Release>& releases, const std::optional<std::string>& model, bool json) {
  const auto rows = rows_for(releases, model);
  print_all(rows, json);
  if (!model) return 0;
  if (rows.empty())
    fmt::print(stderr, "no family is known for {}: the readme.txt of its bundle may name it\n",
               escaped(*model, whole));
  return std::ranges::any_of(rows, [](const Row& row) { return !row.releases.empty(); }) ? 0 : 1;
}

int run(Arguments& arguments) {
  const bool models = arguments.has("--models");
  std::optional<std::string> model;
  if (models && !arguments.words().empty()) model = arguments.take_word("MODEL");
  arguments.expect_no_more();
  const auto depot = existing_depot(arguments);
  if (!models) depot.expect_readable_records();
  const storage::Catalogue catalogue(storage::Root(depot.images()));
  std::vector<std::string> warnings;
  const auto releases = storage::releases_in(depot, catalogue, warnings);
  for (const auto& warning : warnings) fmt::print(stderr, "{}\n", escaped(warning, most_of_ours));
  for (const auto& path : storage::unaskable_names(depot))
    fmt::print(stderr, "{}\n", escaped(storage::unaskable_text(depot, path), most_of_ours));
  const bool json = arguments.has("--json");
  if (models) return print_models(releases, model, json);
  print_all(releases, json);
  if (releases.empty() && !json)
    fmt::print(stderr, "there are no releases yet: `apdepot import BUNDLE.zip` publishes one\n");
  return 0;
}

}  // namespace

const Command releases_command{"releases", "[--models [MODEL]]",
                               "lists releases: path, spellings, images, sizes, verified or not", flags, run};

}  // namespace server
