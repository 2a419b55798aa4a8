#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "conf/config_error.hpp"
#include "server/commands/arguments.hpp"

namespace conf {
struct Loaded;
struct Settings;
}  // namespace conf
namespace storage {
class Depot;
}

namespace server {

struct Candidates;

// What keeps `serve` from starting until somebody changes it: exit status 78, EX_CONFIG of sysexits.h.
struct Unstartable : conf::ConfigError {
  explicit Unstartable(const std::exception& why) : ConfigError(conf::mistakes_of(why)) {}
  static constexpr int exit_status = 78;
};

// One row a command. Data goes to stdout, messages to stderr; the result is the exit status: 0 done, 1 it
// failed. UsageError makes it 2. Every command also takes --config, --depot, --help and --version.
struct Command {
  std::string_view name;
  std::string_view usage;  // what follows the name
  std::string_view summary;
  std::span<const Flag> flags;  // its own
  int (*run)(Arguments& arguments);
};

extern const Command serve_command, status_command, history_command, doctor_command, probe_command,
    import_command, releases_command, explain_command, diagnose_command, inventory_command, verify_command,
    retire_command, promote_command, user_command, token_command, web_command, config_command,
    wlc_config_command, version_command;

// All commands, in the order of `apdepot --help`.
std::span<const Command* const> commands();

// The configuration that the flags name: --config, else /etc/apdepot/apdepot.yaml, else the defaults with the
// depot in ./depot; then --depot. Throws conf::ConfigError. Warnings are left to the caller.
conf::Loaded load_settings(const Arguments& arguments);
// The same for a command that makes the depot where there is none. Throws std::runtime_error for a --config
// FILE without `depot:` unless the default is there already: nobody is given a new, empty depot unasked.
conf::Loaded load_settings_to_write(const Arguments& arguments);
// Whom the service may run as, by `flag` (--user) and the settings. Throws std::runtime_error for a name that
// this host does not know.
Candidates candidates(const conf::Settings& settings, const std::optional<std::string>& flag = {});
// For a command that tells what the service would do with the depot that they name.
void act_as_service(const conf::Settings& settings);
// Gives `file`, ssh.users_file or one beside it, to whom the service runs as, before root writes secrets to
// it that its owner alone may read. Does nothing for others than root, and without that key.
void give_to_service(const conf::Settings& settings, const std::filesystem::path& file);
// When the service can read such a file: "now", or "once" somebody has done what this says.
std::string when_service_reads(const conf::Settings& settings, const std::filesystem::path& file);
// The depot that they name, made where it is not there yet; for commands that begin with one, but `serve`.
// From here on root is the depot's owner: whatever root alone may read is opened before.
storage::Depot open_depot(const conf::Settings& settings);
// The same for all other commands: a mistyped name makes none.
storage::Depot existing_depot(const conf::Settings& settings);
storage::Depot existing_depot(const Arguments& arguments);  // that load_settings() names
std::string config_file_name(const Arguments& arguments);   // empty for the built-in defaults

}  // namespace server
