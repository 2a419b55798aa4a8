#include "storage/lookup/current.hpp"

#include "storage/files/pointer.hpp"

#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"

namespace storage {

Path current_of(const Path& release) { return release.parent() / pointer_name; }

bool is_current(const Depot& depot, const Path& release) { return is_current(Root(depot.images()), release); }

bool is_current(const Root& root, const Path& release) {
  const auto current = current_of(release);
  const auto link = root.attributes(current, Links::keep);
  if (!link || link->kind != Kind::link) return false;
  const auto target = root.attributes(current), own = root.attributes(release);
  return target && own && target->version.device == own->version.device &&
         target->version.number == own->version.number;
}

}  // namespace storage
