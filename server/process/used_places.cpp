#include "server/process/used_places.hpp"

#include <algorithm>
#include <system_error>
#include <vector>

#include "conf/log.hpp"
#include "conf/settings.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace fs = std::filesystem;
namespace {

// As far as this user may follow: below a closed folder names stay as they are.
fs::path real(const fs::path& path) {
  std::error_code error;
  auto found = fs::weakly_canonical(path, error);
  if (!error) return found;
  const auto named = fs::absolute(path), folder = named.parent_path();
  return folder == named ? named : (real(folder) / named.filename()).lexically_normal();
}

// Where it is named, and where a link there leads.
void add_folders_of(const fs::path& file, std::vector<fs::path>& folders) {
  folders.push_back(real(fs::absolute(file).parent_path()));
  folders.push_back(real(file).parent_path());
}

bool is_below(const fs::path& place, const fs::path& path) {
  const auto [end, _] = std::ranges::mismatch(place, path);
  return end == place.end();
}

}  // namespace

UsedPlaces used_places(const conf::Settings& settings, const storage::Depot& depot,
                       const std::string& config) {
  UsedPlaces places;
  places.written.push_back(real(depot.directory()));
  for (const auto& folder : {depot.images(), depot.drop(), depot.rejected(), depot.retired(), depot.bundles(),
                             depot.state(), depot.staging(), depot.taken(), depot.manifests()})
    if (!is_below(places.written.front(), real(folder))) places.written.push_back(real(folder));
  if (const auto& log = settings.log.destination; log.target == conf::LogTarget::file) {
    if (fs::exists(log.file) && !fs::is_regular_file(log.file)) {
      places.written.push_back(real(log.file));  // a pipe, or a device
    } else {
      add_folders_of(log.file, places.written);
    }
  }
  if (!config.empty()) add_folders_of(storage::path_of(config), places.read);
  if (settings.ssh.users_file) add_folders_of(*settings.ssh.users_file, places.read);
  for (const auto& file : {settings.web.certificate, settings.web.key})
    if (file) add_folders_of(*file, places.read);
  return places;
}

bool is_readable(const UsedPlaces& places, const fs::path& file) {
  const auto path = real(file);
  const auto holds = [&path](const fs::path& place) { return is_below(place, path); };
  return holds("/etc") || std::ranges::any_of(places.read, holds) ||
         std::ranges::any_of(places.written, holds);
}

}  // namespace server
