#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "server/commands/command.hpp"
#include "server/commands/release_argument.hpp"
#include "server/os/addresses.hpp"
#include "server/process/listen.hpp"
#include "server/text/controller_lines.hpp"
#include "server/text/json.hpp"
#include "storage/images/version.hpp"
#include "storage/lookup/current.hpp"
#include "storage/releases/promote.hpp"
#include "storage/releases/releases.hpp"

namespace server {
namespace {

constexpr Flag flags[]{
    {"--json", "", "print JSON"},
    {"--mode", "tftp|sftp|http", "the protocol, tftp unless told; http: lines for access points"},
    {"--address", "ADDR", "this server's address as the controller sees it"}};

std::string some_address(const Arguments& arguments) {
  if (const auto address = arguments.value("--address")) return *address;
  const auto own = own_addresses();
  if (own.empty()) return "<address>";
  if (own.size() > 1) {
    std::string others;
    for (const auto& address : own) others.append(others.empty() ? "" : ", ").append(address.to_string());
    fmt::print(stderr, "this host's addresses are {}: take the one that the controller reaches\n", others);
  }
  return own.front().to_string();
}

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

int run(Arguments& arguments) {
  const auto wanted = arguments.take_word("RELEASE");
  arguments.expect_no_more();
  const auto mode = arguments.value("--mode").value_or("tftp");
  if (mode != "tftp" && mode != "sftp" && mode != "http")
    throw UsageError(fmt::format("--mode {}: it is tftp, sftp or http", mode));
  const auto settings = load_settings(arguments).settings;
  const auto depot = existing_depot(settings);
  const auto release = find_path(depot, wanted);
  const auto path = release.text();
  const auto address = some_address(arguments);
  const auto user = mode == "sftp" ? some_user(settings, depot) : "";
  const auto lines = mode == "tftp"   ? tftp_controller_lines(address, path)
                     : mode == "sftp" ? sftp_controller_lines(address, path, user)
                                      : http_access_point_lines(address, path, images_in(depot, release));
  if (!arguments.has("--json")) {
    fmt::print("{}", lines);
    return 0;
  }
  JsonObject object;
  object.add("mode", mode);
  object.add("server", address, whole);
  object.add("path", path, whole);
  if (mode == "sftp") object.add("user", user, whole);
  object.add("lines", lines, whole);
  fmt::print("{}\n", object.text());
  return 0;
}

}  // namespace

const Command wlc_config_command{"wlc-config", "RELEASE",
                                 "prints the controller's configuration lines for a release", flags, run};

}  // namespace server
