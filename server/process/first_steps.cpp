#include "server/process/first_steps.hpp"

#include <fmt/format.h>

#include "conf/settings.hpp"
#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "server/os/addresses.hpp"
#include "server/process/listen.hpp"
#include "server/text/controller_lines.hpp"
#include "server/text/escape.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/catalogue.hpp"
#include "storage/lookup/lookup.hpp"

namespace server {
namespace {

std::string first_user(const conf::Settings& settings, const storage::Depot& depot) {
  const auto users = conf::load_usable_users(users_file(settings, depot)).users;
  return users.empty() ? "" : users.front().name;
}

}  // namespace

std::string first_steps(const conf::Settings& settings, const storage::Depot& depot,
                        const std::string& program, bool usual_ports) {
  const auto images = storage::Root::open(depot.images());
  const auto releases =
      images ? storage::list_releases(storage::Catalogue(*images)) : std::vector<storage::Path>{};
  const auto path = releases.empty() ? "/EWC/<release>" : releases.back().text();
  const auto addresses = own_addresses();
  const auto address = addresses.empty() ? "<address>" : addresses.front().to_string();
  const auto user = first_user(settings, depot);
  std::string text;
  if (releases.empty())
    text += fmt::format("Put a bundle into {}, and it is served.\n",
                        escaped(storage::utf8_of(depot.drop()), whole));
  text += "On the controller, for TFTP:\n\n" + tftp_controller_lines(address, path) + "\nor for SFTP";
  if (user.empty()) {
    text += fmt::format(", after `{} user add NAME --depot {}`", escaped(program, whole),
                        escaped(storage::utf8_of(depot.directory()), whole));
  }
  text += ":\n\n" + sftp_controller_lines(address, path, user.empty() ? "<user>" : user) + "\n";
  for (std::size_t i = 1; i < addresses.size(); ++i) {
    text += fmt::format("This host is also {}.\n", addresses[i].to_string());
  }
  if (!usual_ports)
    text += "Controllers ask on UDP 69 and TCP 22 only; other clients can use the ports above.\n";
  return text;
}

}  // namespace server
