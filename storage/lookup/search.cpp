#include "storage/lookup/search.hpp"

#include "storage/depot/depot.hpp"
#include "storage/lookup/explain.hpp"
#include "storage/lookup/live_catalogue.hpp"

namespace storage {
namespace {

const auto not_there = std::make_error_code(std::errc::no_such_file_or_directory);

}  // namespace

template <class Look>
std::expected<Found, NotFound> Search::look(Look how) const {
  if (root_) return how(*root_);
  const auto images = Root::open(catalogue_.depot().images());
  if (!images) return std::unexpected(NotFound{Path{}, images.error()});
  return how(*images);
}

std::expected<Found, NotFound> Search::as_asked() const {
  return look(
      [this](const Root& root) { return find_as_asked(root, asked_.name, asked_.above, asked_.settings); });
}

std::expected<Found, NotFound> Search::as_meant() const {
  return look([this](const Root& root) -> std::expected<Found, NotFound> {
    const auto catalogue = catalogue_.now(folder_);
    if (!catalogue) return std::unexpected(NotFound{Path{}, not_there});
    return find_image(root, *catalogue, asked_.name, asked_.above, asked_.settings);
  });
}

Miss Search::explain(const NotFound& missing) const {
  const auto& depot = catalogue_.depot();
  const auto explain_in = [&](const Root& root, auto without_catalogue) {
    const auto catalogue = catalogue_.now(folder_);
    return catalogue ? explain_miss(root, *catalogue, asked_.name, missing, &depot) : without_catalogue();
  };
  if (root_) return explain_in(*root_, [&] { return plain_miss(asked_.name, missing.error); });
  const auto images = Root::open(depot.images());
  if (!images) return closed_images(depot.images(), images.error());
  return explain_in(*images, [&] { return closed_images(depot.images(), not_there); });
}

Miss Search::explain_at_once(const NotFound& missing) const {
  if (missing.withheld) return withheld_upload(*missing.asked);
  return missing.asked ? plain_miss(asked_.name, missing.error)
                       : explain_miss(asked_.name, missing.asked.error());
}

}  // namespace storage
