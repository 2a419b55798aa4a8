#include "storage/lookup/incoming.hpp"

#include <algorithm>

#include "storage/depot/depot.hpp"
#include "storage/depot/import_note.hpp"
#include "storage/files/root.hpp"
#include "storage/images/image_name.hpp"

namespace storage {
namespace {

constexpr std::size_t most_files = 1000;
constexpr std::size_t most_bundles = 8;

// What may be published of drop/, by its name.
std::vector<std::string> bundles_in(const Root& drop) {
  std::vector<std::string> names;
  auto folder = drop.open_directory({});
  if (!folder) return names;
  const auto entries = folder->read(most_files);
  if (!entries) return names;
  for (const auto& entry : *entries) {
    const bool named = is_archive(entry.name) || is_single_image_name(entry.name);
    if (named && entry.attributes.kind == Kind::file && Path::is_component(entry.name))
      names.push_back(entry.name);
  }
  std::ranges::sort(names);
  return names;
}

// Nothing is read of it: it may still be written, or lie on a disk that stands still.
Archived by_name(const std::string& name) {
  Archived bundle{Path{} / name};
  if (!is_archive(name)) {
    bundle.members = {name};
    return bundle;
  }
  const ReleaseEvidence evidence{
      .bundle_name = name, .controller_version = {}, .ap_version = {}, .members = {}};
  bundle.version = Version::parse(name_release(evidence).release);
  return bundle;
}

}  // namespace

std::vector<Incoming> incoming_bundles(const Depot& depot) {
  std::vector<Incoming> bundles;
  const auto are_enough = [&bundles] { return bundles.size() >= most_bundles; };
  for (const auto& import : imports_under_way(depot)) {
    if (are_enough()) return bundles;
    if (Path::is_component(import.bundle)) bundles.push_back({by_name(import.bundle), import.percent});
  }
  const auto under_way = [&bundles](const std::string& name) {
    return std::ranges::any_of(bundles, [&](const auto& each) { return each.archive.path.name() == name; });
  };
  if (const auto drop = Root::open(depot.drop())) {
    for (const auto& name : bundles_in(*drop)) {
      if (are_enough()) return bundles;
      if (!under_way(name)) bundles.push_back({by_name(name)});
    }
  }
  return bundles;
}

}  // namespace storage
