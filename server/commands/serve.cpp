#include <fmt/format.h>

#include <stdexcept>

#include "conf/endpoint.hpp"
#include "conf/load.hpp"
#include "server/commands/command.hpp"
#include "server/os/identity.hpp"
#include "server/os/terminal.hpp"
#include "server/process/server.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

constexpr Flag flags[]{
    {"--tftp", "ADDR:PORT", "serve TFTP there, whatever the config says; repeatable"},
    {"--ssh", "ADDR:PORT", "serve SFTP there, whatever the config says; repeatable"},
    {"--web", "ADDR:PORT", "serve the page there, whatever the config says, or none; repeatable"},
    {"--user", "NAME", "started as root, become this user once the ports are bound"}};

std::vector<conf::Endpoint> endpoints(const Arguments& arguments, std::string_view flag) {
  std::vector<conf::Endpoint> endpoints;
  const auto texts = arguments.values(flag);
  if (flag == "--web" && texts == std::vector<std::string>{"none"}) return endpoints;
  for (const auto& text : texts) {
    const auto endpoint = conf::parse_endpoint(text);
    if (!endpoint)
      throw UsageError(fmt::format("{} {}: it is ADDR:PORT, such as 0.0.0.0:69 or [::]:69{}", flag, text,
                                   conf::endpoint_advice(text)));
    endpoints.push_back(*endpoint);
  }
  if (const auto clash = conf::clash_of(endpoints)) throw UsageError(fmt::format("{}: {}", flag, *clash));
  return endpoints;
}

conf::Loaded load(const Arguments& arguments) {
  auto loaded = load_settings_to_write(arguments);
  if (arguments.has("--tftp")) loaded.settings.tftp.listen = endpoints(arguments, "--tftp");
  if (arguments.has("--ssh")) loaded.settings.ssh.listen = endpoints(arguments, "--ssh");
  if (arguments.has("--web")) loaded.settings.web.listen = endpoints(arguments, "--web");
  return loaded;
}

[[noreturn]] void refuse_to_stay_root(const std::string& depot) {
  throw std::runtime_error(fmt::format(
      "root started the server, which must not stay root, and there is no user for it to become: the depot "
      "{0} "
      "belongs to nobody else, and this host has no user apdepot. Make one (`useradd --system apdepot`) and "
      "give "
      "it the depot (`chown -R apdepot: {0}`), or name another by \"user:\" in the config or --user NAME. "
      "--user root stays root",
      depot));
}

constexpr auto stays_root =
    "the server runs as root, as it was told to: an attacker who takes it over has this host. Give the depot "
    "to "
    "another user (`chown -R apdepot: DEPOT`) and name that one by \"user:\" in the config or --user NAME";

// Whom it becomes; nothing where it stays who it is. A new depot is made for that user.
std::optional<Account> account_to_become(const Arguments& arguments, conf::Loaded& loaded) {
  const auto own = own_account();
  const auto flag = arguments.value("--user");
  if (!own.is_root()) {
    const auto named = flag ? candidates(loaded.settings, flag).named : std::nullopt;
    if (named && named->uid != own.uid)
      throw std::runtime_error(fmt::format(
          "--user {0}: only root may become another user; run this as {0}, or leave the flag out", *flag));
    return std::nullopt;
  }
  const auto account = choose_account(candidates(loaded.settings, flag));
  if (!account) refuse_to_stay_root(storage::utf8_of(loaded.settings.depot));
  if (account->is_root()) {
    loaded.warnings.emplace_back(stays_root);
    return std::nullopt;
  }
  make_directory_of(*account, loaded.settings.depot);
  return account;
}

int serve(const Arguments& arguments) {
  const auto reload = [arguments] { return load(arguments); };
  auto loaded = reload();
  const auto account = account_to_become(arguments, loaded);
  auto config_name = config_file_name(arguments);
  // A service manager's unit, or a script, is better off with a failure than with a port that nobody asks.
  const bool fixed = !config_name.empty() || !stderr_is_terminal();
  const auto& settings = loaded.settings;
  const ListenPlan plan{settings.tftp.listen,
                        settings.ssh.listen,
                        settings.http.endpoints(false),
                        settings.http.endpoints(true),
                        settings.syslog.listen,
                        fixed || arguments.has("--tftp"),
                        fixed || arguments.has("--ssh"),
                        settings.web.listen};
  Server(std::move(loaded), plan, {arguments.program(), std::move(config_name), reload}, account).run();
  return 0;
}

// What a person has to change first is told apart, so that a service manager does not try again.
int run(Arguments& arguments) {
  arguments.expect_no_more();
  try {
    return serve(arguments);
  } catch (const conf::ConfigError& e) {
    throw Unstartable(e);
  } catch (const ListenError& e) {
    if (e.passes) throw;
    throw Unstartable(e);
  }
}

}  // namespace

const Command serve_command{"serve", "", "runs the server in the foreground", flags, run};

}  // namespace server
