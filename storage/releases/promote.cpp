#include "storage/releases/promote.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "storage/archives/member_name.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/pointer.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/current.hpp"
#include "storage/releases/changeover.hpp"
#include "storage/releases/published.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

// A link too: whoever made it wants `current` to be one.
bool is_free(const Root& images, const Path& current) {
  const auto there = images.attributes(current, Links::keep);
  return there ? there->kind == Kind::link : there.error() == std::errc::no_such_file_or_directory;
}

}  // namespace

void promote(const Depot& depot, const Path& release) {
  const auto nothing_is_retired_meanwhile = lock_releases(depot);
  const auto current = current_of(release);
  const auto place = place_of(depot, current.text());
  const Root images(depot.images());
  if (!is_free(images, current) || release == current)
    throw NotPromoted(
        fmt::format("{} names no release and is left alone: move {} away to have apdepot say what is current",
                    current.text(), utf8_of(place)));
  const auto there = images.attributes(release);
  if (!there || there->kind != Kind::directory)
    throw NotPromoted(fmt::format("{} is not a release here any more", release.text()));
  const auto content = pointer_to(release.name());
  if (pointer_target(content) != release.name())
    throw NotPromoted(fmt::format("the name of {} cannot stand in {}: rename the release",
                                  in_quotes(release.text()), current.text()));
  // Made where no client looks, and moved over the old one: no request ever finds nothing.
  const StagingArea staging(depot);
  const auto made = staging.content() / path_of(current.name());
  if (fs::is_symlink(place)) {
    fs::create_directory_symlink(path_of(release.name()), made);
  } else {
    write_durably(made, content, 0644);
  }
  replace_file(made, place);
}

}  // namespace storage
