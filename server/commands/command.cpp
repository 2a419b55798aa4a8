#include "server/commands/command.hpp"

#include <array>
#include <filesystem>

#include "server/identity.hpp"

namespace server {
namespace {

constexpr auto usual_config = "/etc/apdepot/apdepot.yaml";

}  // namespace

std::span<const Command* const> commands() {
  static constexpr std::array all{&serve_command,  &import_command,     &releases_command, &explain_command,
                                  &verify_command, &retire_command,     &promote_command,  &user_command,
                                  &config_command, &wlc_config_command, &version_command};
  return all;
}

std::string config_file_name(const Arguments& arguments) {
  if (const auto file = arguments.value("--config")) return *file;
  return std::filesystem::exists(usual_config) ? usual_config : "";
}

conf::Loaded load_settings(const Arguments& arguments) {
  const auto file = config_file_name(arguments);
  auto loaded = file.empty() ? conf::load_defaults() : conf::load_file(file);
  if (file.empty()) loaded.settings.depot = "depot";
  if (const auto depot = arguments.value("--depot")) loaded.settings.depot = *depot;
  return loaded;
}

storage::Depot open_depot(const conf::Settings& settings) {
  act_as_owner_of(settings.depot);
  return storage::Depot(settings.depot);
}

storage::Depot existing_depot(const conf::Settings& settings) {
  act_as_owner_of(settings.depot);
  return storage::Depot::existing(settings.depot);
}

}  // namespace server
