#include "server/commands/command.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "conf/load.hpp"
#include "server/commands/host_commands.hpp"
#include "server/os/host_text.hpp"
#include "server/os/identity.hpp"
#include "server/text/escape.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

constexpr auto usual_account = "apdepot";

// The service is to find it its own, whoever made it. Where it is to be root's, root makes it alone, before
// it is looked at who else may.
void make_depot_of_service(const conf::Settings& settings) {
  if (!own_account().is_root() || std::filesystem::exists(settings.depot)) return;
  auto account = choose_account(candidates(settings));
  if (!account || account->is_root()) account = owner_or_heir_of(std::filesystem::absolute(settings.depot));
  if (account) make_directory_of(*account, settings.depot);
}

// The owner of state/ could put links there, which root's commands would follow.
void act_as_owner_of_depot(const conf::Settings& settings) {
  act_as_owner_of(settings.depot, storage::Depot::state_of({}));
}

// Whom the service runs as, where secrets lie beside ssh.users_file. Nothing where that is root, or where
// this host has no such user: the service runs elsewhere.
std::optional<Account> reader_of_secrets(const conf::Settings& settings) try {
  if (!settings.ssh.users_file) return std::nullopt;
  const auto account = choose_account(candidates(settings));
  return account && !account->is_root() ? account : std::nullopt;
} catch (const std::runtime_error&) {
  return std::nullopt;
}

}  // namespace

std::span<const Command* const> commands() {
  static constexpr std::array everywhere{
      &serve_command,  &status_command,   &history_command,    &doctor_command,   &probe_command,
      &import_command, &releases_command, &explain_command,    &diagnose_command, &inventory_command,
      &verify_command, &retire_command,   &promote_command,    &user_command,     &token_command,
      &web_command,    &config_command,   &wlc_config_command, &version_command};
  static const auto all = [] {
    std::vector<const Command*> list(everywhere.begin(), everywhere.end());
    const auto more = host_commands();
    list.insert(list.end() - 1, more.begin(), more.end());  // the version stays the last
    return list;
  }();
  return all;
}

std::string config_file_name(const Arguments& arguments) {
  if (const auto file = arguments.value("--config")) return *file;
  const auto usual = host::usual_config();
  if (!std::filesystem::exists(usual)) return "";
  expect_of_administrator(usual);
  return storage::utf8_of(usual);
}

conf::Loaded load_settings(const Arguments& arguments) {
  const auto file = config_file_name(arguments);
  auto loaded = file.empty() ? conf::load_defaults() : conf::load_file(storage::path_of(file));
  if (file.empty()) loaded.settings.depot = "depot";
  if (const auto depot = arguments.value("--depot")) {
    if (depot->empty() || depot->starts_with('~'))
      throw UsageError(
          fmt::format("--depot {}: it is a path; \"~\" in it stands for nothing here: write the whole path, "
                      "or --depot ~/DIR "
                      "with a blank between, so that the shell does",
                      depot->empty() ? "\"\"" : *depot));
    loaded.settings.depot = storage::path_of(*depot);
  }
  return loaded;
}

conf::Loaded load_settings_to_write(const Arguments& arguments) {
  auto loaded = load_settings(arguments);
  const auto file = arguments.value("--config");
  if (!file || loaded.names_depot || arguments.has("--depot")) return loaded;
  std::error_code error;
  const auto& usual = loaded.settings.depot;
  const bool there = std::filesystem::exists(usual / "images", error),
             here = std::filesystem::exists("depot/images", error);
  if (there && !here) return loaded;
  throw std::runtime_error(fmt::format(
      "{} names no depot, and its default is {}, {}: write \"depot: DIR\" into it, or add --depot DIR", *file,
      storage::utf8_of(usual), there ? "while there is ./depot too" : "where there is no depot"));
}

Candidates candidates(const conf::Settings& settings, const std::optional<std::string>& flag) {
  Candidates all{{}, owner_of(settings.depot), find_account(usual_account)};
  const auto& name = flag ? flag : settings.user;
  if (name) all.named = find_account(*name);
  if (name && !all.named)
    throw std::runtime_error(fmt::format("{} {}: this host has no such user; {}",
                                         flag ? "--user" : "user:", *name, host::name_a_user));
  return all;
}

void act_as_service(const conf::Settings& settings) {
  act_as_service(candidates(settings), settings.depot, storage::Depot::state_of({}));
}

storage::Depot open_depot(const conf::Settings& settings) {
  make_depot_of_service(settings);
  act_as_owner_of_depot(settings);
  expect_in_reach(settings.depot);
  return storage::Depot(settings.depot);
}

storage::Depot existing_depot(const conf::Settings& settings) {
  act_as_owner_of_depot(settings);
  return storage::Depot::existing(settings.depot);
}

storage::Depot existing_depot(const Arguments& arguments) {
  return existing_depot(load_settings(arguments).settings);
}

void give_to_service(const conf::Settings& settings, const std::filesystem::path& file) {
  const auto service = reader_of_secrets(settings);
  if (service && own_account().is_root()) make_file_of(*service, file);
}

std::string when_service_reads(const conf::Settings& settings, const std::filesystem::path& file) {
  const auto service = reader_of_secrets(settings);
  if (!service || may_read(*service, file)) return "now";
  const auto name = escaped(storage::utf8_of(file), whole);
  return fmt::format("once the server, which runs as {}, may read {}: `{}{}`", service->name, name,
                     host::sudo, host::give_file(service->name, name));
}

}  // namespace server
