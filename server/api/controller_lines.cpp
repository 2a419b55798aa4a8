#include "server/api/controller_lines.hpp"

#include <algorithm>

#include "conf/settings.hpp"
#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "server/api/release_named.hpp"
#include "server/os/addresses.hpp"
#include "server/text/controller_lines.hpp"
#include "server/text/json.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"
#include "storage/images/version.hpp"
#include "storage/lookup/current.hpp"
#include "storage/releases/releases.hpp"

namespace server {
namespace {

std::string some_user(const conf::Settings& settings, const storage::Depot& depot) {
  if (!settings.ssh.users.empty()) return settings.ssh.users.front().name;
  const auto users = conf::load_usable_users(users_file(settings, depot)).users;
  return users.empty() ? "<user>" : users.front().name;
}

// `current` is a path for controllers as well: the one that never changes.
storage::Path find_path(const storage::Depot& depot, const std::string& wanted) {
  const storage::Root root(depot.images());
  const auto asked = storage::Path::parse(wanted);
  const storage::Catalogue catalogue(root);
  const auto promoted = [&](const storage::Shelf* release) {
    return storage::current_of(release->path) == *asked && storage::is_current(depot, release->path);
  };
  if (asked && std::ranges::any_of(storage::all_releases(catalogue), promoted)) return *asked;
  return find_release(root, wanted);
}

// Those that an access point downloads for itself.
std::vector<std::string> images_in(const storage::Depot& depot, const storage::Path& release) {
  std::vector<std::string> names;
  auto folder = storage::Root(depot.images()).open_directory(release);
  for (bool more = folder.has_value(); more;) {
    const auto entries = folder->read(100);
    more = entries && !entries->empty();
    if (!more) break;
    for (const auto& entry : *entries)
      if (storage::is_image_family(entry.name)) names.push_back(entry.name);
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

ControllerLines controller_lines(const conf::Settings& settings, const storage::Depot& depot,
                                 const std::string& wanted, const std::string& mode,
                                 const std::optional<std::string>& address) {
  ControllerLines made;
  made.mode = mode;
  const auto release = find_path(depot, wanted);
  made.path = release.text();
  if (address) {
    made.address = *address;
  } else {
    for (const auto& own : own_addresses()) made.others.push_back(own.to_string());
    made.address = made.others.empty() ? "<address>" : made.others.front();
    if (!made.others.empty()) made.others.erase(made.others.begin());
  }
  if (mode == "sftp") made.user = some_user(settings, depot);
  made.lines = mode == "tftp"   ? tftp_controller_lines(made.address, made.path)
               : mode == "sftp" ? sftp_controller_lines(made.address, made.path, made.user)
                                : http_access_point_lines(made.address, made.path, images_in(depot, release));
  return made;
}

std::string to_json(const ControllerLines& lines) {
  JsonObject object;
  object.add("mode", lines.mode);
  object.add("server", lines.address, whole);
  object.add("path", lines.path, whole);
  if (lines.mode == "sftp") object.add("user", lines.user, whole);
  object.add("lines", lines.lines, whole);
  return object.text();
}

}  // namespace server
