#include "storage/lookup/live_catalogue.hpp"

#include <algorithm>

#include "storage/depot/depot.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/lookup/catalogue.hpp"

namespace storage {

LiveCatalogue::LiveCatalogue(const Depot& depot)
    : depot_(depot), nothing_(std::make_shared<const Catalogue>()) {}

std::shared_ptr<const Catalogue> LiveCatalogue::now(const Path& path) {
  const std::lock_guard lock(mutex_);
  const auto images = Root::open(depot_.images());
  const auto root = images ? images->subroot(path) : std::unexpected(images.error());
  const auto attributes = root ? root->attributes({}) : std::unexpected(root.error());
  if (!attributes) return {};
  if (is_in_uploads(path)) return nothing_;
  const auto known = kept_.find(path.text());
  if (known != kept_.end() && holds(known->second, *attributes)) return known->second.catalogue;
  const auto rejected = Root::open(depot_.rejected());
  Kept kept;
  kept.device = attributes->version.device;
  kept.number = attributes->version.number;
  kept.catalogue = std::make_shared<const Catalogue>(
      *root, rejected ? &*rejected : nullptr,
      [&watch = kept.watch](const Directory& directory) { watch.add(directory); });
  return kept_.insert_or_assign(path.text(), std::move(kept)).first->second.catalogue;
}

bool LiveCatalogue::scans_each_time() {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(kept_, [](const auto& each) { return each.second.watch.blind(); });
}

bool LiveCatalogue::holds(const Kept& kept, const Attributes& root) {
  return root.version.device == kept.device && root.version.number == kept.number && !kept.watch.changed();
}

}  // namespace storage
