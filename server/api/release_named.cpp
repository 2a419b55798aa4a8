#include "server/api/release_named.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "storage/files/root.hpp"
#include "storage/releases/releases.hpp"

namespace server {
namespace {

std::string listed(const storage::Catalogue::Shelves& releases) {
  constexpr std::size_t most_named = 10;
  std::string text;
  for (std::size_t i = 0; i < releases.size() && i < most_named; ++i)
    text.append(text.empty() ? "" : ", ").append(releases[i]->path.text());
  return releases.size() > most_named ? text + ", ..." : text;
}

}  // namespace

storage::Path find_release(const storage::Root& root, const std::string& wanted) {
  const storage::Catalogue catalogue(root);
  const auto fits = storage::releases_named(catalogue, wanted);
  if (fits.size() == 1) return fits.front()->path;
  if (!fits.empty())
    throw std::runtime_error(fmt::format("{} fits more than one release: {}", wanted, listed(fits)));
  const auto all = storage::all_releases(catalogue);
  if (all.empty())
    throw std::runtime_error(fmt::format("{} is not a release here: nothing is imported yet", wanted));
  throw std::runtime_error(fmt::format("{} is not a release here; there are: {}", wanted, listed(all)));
}

}  // namespace server
