#include "storage/releases/promote.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "storage/depot/staging.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/current.hpp"
#include "storage/releases/changeover.hpp"
#include "storage/releases/published.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

bool is_ours(const fs::path& place) {
  const auto type = fs::symlink_status(place).type();
  return type == fs::file_type::not_found || type == fs::file_type::symlink;
}

}  // namespace

void promote(const Depot& depot, const Path& release) {
  const auto nothing_is_retired_meanwhile = lock_releases(depot);
  const auto current = current_of(release);
  const auto place = place_of(depot, current.text());
  if (!is_ours(place) || release == current)
    throw NotPromoted(
        fmt::format("{} is no link and is left alone: move {} away to have apdepot say what is current",
                    current.text(), place.string()));
  const auto there = Root(depot.images()).attributes(release);
  if (!there || there->kind != Kind::directory)
    throw NotPromoted(fmt::format("{} is not a release here any more", release.text()));
  // Made where no client looks, and moved over the old one: no request ever finds nothing.
  const StagingArea staging(depot);
  const auto made = staging.content() / current.name();
  fs::create_directory_symlink(fs::path(release.name()), made);
  fs::rename(made, place);
  sync_directory(place.parent_path());
}

}  // namespace storage
