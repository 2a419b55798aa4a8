#include "storage/lookup/search.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/depot/depot.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/images/vendors.hpp"
#include "storage/lookup/explain.hpp"
#include "storage/lookup/live_catalogue.hpp"

namespace storage {
namespace {

const auto not_there = std::make_error_code(std::errc::no_such_file_or_directory);

// A bundle becomes a release below the folder of its product.
bool receives_imports(const Path& folder) {
  const auto is_product = [&folder](const Product& product) { return product.name == folder.name(); };
  const auto has_it = [&](const Vendor* vendor) { return std::ranges::any_of(vendor->products, is_product); };
  return folder.is_root() || (folder.parent().is_root() && std::ranges::any_of(vendors(), has_it));
}

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

// What others find under the very name that a user with a folder of his own asked for.
std::optional<Miss> Search::found_by_others(const NotFound& missing) const {
  if (folder_.is_root() || !missing.asked || is_in_uploads(*missing.asked)) return {};
  const auto images = Root::open(catalogue_.depot().images());
  const auto there = images ? images->attributes(*missing.asked) : std::unexpected(images.error());
  if (!there || there->kind != Kind::file) return {};
  return Miss{
      Cause::wrong_directory,
      fmt::format("{} is not below {}, which this user sees as /", missing.asked->text(), folder_.text()),
      "a user whose root is / gets it",
      {},
      missing.error};
}

Miss Search::explain(const NotFound& missing) const {
  if (auto miss = found_by_others(missing)) return *miss;
  const auto& depot = catalogue_.depot();
  const auto explain_in = [&](const Root& root, auto without_catalogue) {
    const auto catalogue = catalogue_.now(folder_);
    const auto* const imports = receives_imports(folder_) ? &depot : nullptr;
    return catalogue ? explain_miss(root, *catalogue, asked_.name, missing, imports) : without_catalogue();
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
