#include "server/doctor/logins.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "conf/settings.hpp"
#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "server/doctor/check.hpp"
#include "server/text/escape.hpp"
#include "storage/files/root.hpp"

namespace server::doctor {
namespace {

bool is_folder(const storage::Root& images, const std::string& name) {
  const auto path = storage::Path::parse(name);
  if (!path) return false;
  const auto found = images.attributes(*path);
  return found && found->kind == storage::Kind::directory;
}

Result run(const Sight& sight) {
  const auto& settings = *sight.settings;
  if (settings.ssh.listen.empty()) return all_well("SFTP is switched off: ssh.listen is []");
  auto [users, mistakes] = conf::load_usable_users(users_file(settings, *sight.depot));
  users.insert(users.end(), settings.ssh.users.begin(), settings.ssh.users.end());
  LoginsReading reading{std::move(users), std::move(mistakes), {}};
  const storage::Root images(sight.depot->images());
  for (const auto& user : reading.users)
    if (!is_folder(images, user.root)) reading.rootless.push_back(user.name);
  return judge_logins(reading);
}

}  // namespace

Result judge_logins(const LoginsReading& reading) {
  constexpr std::string_view command = "; run: ";
  Result result;
  for (const auto& mistake : reading.mistakes) {
    const auto at = mistake.find(command);
    if (at == mistake.npos) {
      result.fails(escaped(mistake, whole));
    } else {
      result.fails(escaped(mistake.substr(0, at), whole),
                   escaped(mistake.substr(at + command.size()), whole));
    }
  }
  if (reading.users.empty() && reading.mistakes.empty())
    result.look("SFTP is served, and nobody may log in", "apdepot user add ewc");
  std::vector<std::string> names;
  for (const auto& user : reading.users) {
    names.push_back(escaped(user.name));
    if (std::ranges::find(reading.rootless, user.name) != reading.rootless.end())
      result.fails(
          fmt::format("the root {} of the user {} is not a folder of images/: who logs in sees nothing",
                      escaped(user.root), escaped(user.name)),
          "make that folder below images/, or change `root:` of that user");
  }
  return std::move(result).or_ok(fmt::format("{}", fmt::join(names, ", ")));
}

const Check logins_check{"users", "users", nullptr, run, true};

}  // namespace server::doctor
