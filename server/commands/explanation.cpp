#include "server/commands/explanation.hpp"

#include "storage/lookup/explain.hpp"
#include "storage/lookup/lookup.hpp"

namespace server {

Explanation explain_read(const conf::Settings& settings, const storage::Depot& depot, const std::string& name,
                         event::Protocol protocol) {
  const auto images = storage::Root::open(depot.images());
  if (!images) return std::unexpected(storage::closed_images(depot.images(), images.error()));
  const auto& root = *images;
  const auto rejected = storage::Root::open(depot.rejected());
  const storage::Catalogue catalogue(root, rejected ? &*rejected : nullptr);
  const bool tftp = protocol == event::Protocol::tftp;
  auto lookup = settings.lookup;
  lookup.uploads = !tftp || settings.tftp.read_uploads;
  const auto above = tftp ? storage::AboveRoot::refused : storage::AboveRoot::stays;
  const auto found = storage::find_image(root, catalogue, name, above, lookup);
  if (found) return Served{found->path, found->rule};
  return std::unexpected(storage::explain_miss(root, catalogue, name, found.error(), &depot));
}

}  // namespace server
