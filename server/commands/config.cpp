#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "conf/load.hpp"
#include "conf/print.hpp"
#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "server/commands/command.hpp"
#include "server/commands/config_from.hpp"
#include "server/os/addresses.hpp"
#include "server/os/identity.hpp"
#include "server/process/listen.hpp"
#include "server/text/escape.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--json", "", "print JSON (show)"}};

// They stand in the depot, which may be another user's.
void check_users(const conf::Settings& settings) {
  act_as_owner_of(settings.depot);
  const auto file = users_file(settings);
  std::error_code error;
  const bool present = std::filesystem::exists(file, error);
  if (error)
    return fmt::print(stderr, "{}: not checked: {}\n", escaped(storage::utf8_of(file), whole),
                      error.message());
  if (!present) return;
  conf::load_users(file);
  fmt::print(stderr, "{}: no errors\n", escaped(storage::utf8_of(file), whole));
}

int check(const Arguments& arguments) {
  const auto loaded = load_settings(arguments);
  for (const auto& warning : loaded.warnings) fmt::print(stderr, "{}\n", escaped(warning, whole));
  const auto file = config_file_name(arguments);
  const auto& settings = loaded.settings;
  for (const auto& listen : {settings.tftp.listen, settings.ssh.listen, settings.http.endpoints(),
                             settings.web.listen, settings.metrics.listen, settings.syslog.listen})
    if (const auto text = unknown_interface(listen))
      throw conf::ConfigError(fmt::format("{}: {}", file, *text));
  fmt::print(stderr, "{}: no errors\n", file.empty() ? "the built-in defaults" : escaped(file, whole));
  check_users(loaded.settings);
  return 0;
}

int show(const Arguments& arguments) {
  const auto settings = load_settings(arguments).settings;
  fmt::print("{}", arguments.has("--json") ? conf::to_json(settings) : conf::to_yaml(settings));
  return 0;
}

int run(Arguments& arguments) {
  const auto action = arguments.take_word("check, show, example or from FILE");
  if (action == "from") {
    const auto file = arguments.take_word("FILE");
    arguments.expect_no_more();
    fmt::print("{}", config_from(file));
    return 0;
  }
  arguments.expect_no_more();
  if (action == "check") return check(arguments);
  if (action == "show") return show(arguments);
  if (action != "example")
    throw UsageError(fmt::format("config {}: it is check, show, example or from", action));
  fmt::print("{}", conf::example());
  return 0;
}

}  // namespace

const Command config_command{"config", "check|show|example, or from FILE",
                             "checks a config and the users file, prints the merged truth, prints the "
                             "annotated example, or prints what "
                             "another program's FILE comes to",
                             flags, run};

}  // namespace server
