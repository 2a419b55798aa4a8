#include "storage/promote.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "storage/durable.hpp"
#include "storage/staging.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view link_name = "current";

fs::path place_of(const Depot& depot, const Path& path) { return depot.images() / path.text().substr(1); }

bool is_ours(const fs::path& place) {
  const auto type = fs::symlink_status(place).type();
  return type == fs::file_type::not_found || type == fs::file_type::symlink;
}

}  // namespace

Path current_of(const Path& release) { return release.parent() / link_name; }

bool is_current(const Depot& depot, const Path& release) { return is_current(Root(depot.images()), release); }

bool is_current(const Root& root, const Path& release) {
  const auto current = current_of(release);
  const auto link = root.attributes(current, Links::keep);
  if (!link || link->kind != Kind::link) return false;
  const auto target = root.attributes(current), own = root.attributes(release);
  return target && own && target->version.device == own->version.device &&
         target->version.number == own->version.number;
}

void promote(const Depot& depot, const Path& release) {
  const DirectoryLock nothing_is_retired_meanwhile(depot.manifests());
  const auto current = current_of(release);
  const auto place = place_of(depot, current);
  if (!is_ours(place) || release == current)
    throw NotPromoted(
        fmt::format("{} is no link and is left alone: move {} away to have apdepot say what is current",
                    current.text(), place.string()));
  const auto there = Root(depot.images()).attributes(release);
  if (!there || there->kind != Kind::directory)
    throw NotPromoted(fmt::format("{} is no release here any more", release.text()));
  // Made where no client looks, and moved over the old one: no request ever finds nothing.
  const StagingArea staging(depot);
  const auto made = staging.content() / link_name;
  fs::create_directory_symlink(fs::path(release.name()), made);
  fs::rename(made, place);
  sync_directory(place.parent_path());
}

}  // namespace storage
