#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "conf/load.hpp"
#include "conf/names.hpp"
#include "conf/tokens.hpp"
#include "conf/users.hpp"
#include "server/accounts/tokens.hpp"
#include "server/accounts/users.hpp"
#include "server/commands/command.hpp"
#include "server/os/identity.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--role", "ROLE", "what it may do: viewer (the default) or admin"},
                       {"--json", "", "print JSON (list)"}};

conf::WebRole role_of(const Arguments& arguments) {
  const auto text = arguments.value("--role").value_or("viewer");
  for (const auto& [name, role] : conf::token_roles)
    if (name == text) return role;
  throw UsageError(fmt::format("--role {}: it is viewer or admin", text));
}

using DepotOf = storage::Depot (*)(const conf::Settings&);

// The tokens file lies beside the users file, and root becomes whom that folder belongs to: its links could
// lead anywhere.
std::filesystem::path file_of(const conf::Settings& settings, DepotOf depot_of) {
  if (!settings.ssh.users_file) return tokens_file(users_file(settings, depot_of(settings)));
  act_as_owner_of(std::filesystem::absolute(*settings.ssh.users_file).parent_path());
  return tokens_file(std::filesystem::absolute(*settings.ssh.users_file));
}

// Others wait meanwhile. When it counts: when_service_reads().
template <class Act>
std::string change(const Arguments& arguments, DepotOf depot_of, Act act) {
  const auto settings = load_settings(arguments).settings;
  const auto file = file_of(settings, depot_of);
  const storage::DirectoryLock lock(file.parent_path());
  auto tokens = conf::load_tokens(file);
  act(tokens);
  give_to_service(settings, file);
  conf::save_tokens(tokens, file);
  return when_service_reads(settings, file);
}

int add(const Arguments& arguments, const std::string& name) {
  if (!conf::is_user_name(name))
    throw UsageError(
        fmt::format("{} is not a valid name: letters, digits, '.', '_' and '-', 32 at most", name));
  const auto role = role_of(arguments);
  const auto token = make_token();
  const auto counts = change(arguments, open_depot, [&](std::vector<conf::Token>& tokens) {
    if (std::ranges::find(tokens, name, &conf::Token::name) != tokens.end())
      throw std::runtime_error(
          fmt::format("there is a token {0} already: `apdepot token remove {0}` makes room", name));
    tokens.push_back({name, role, sha256_of(token)});
  });
  fmt::print("{}\n", token);
  fmt::print(
      stderr,
      "the token {} is shown this once: send it as \"Authorization: Bearer TOKEN\" to the page's API\n",
      escaped(name, whole));
  if (counts != "now") fmt::print(stderr, "it opens the API {}\n", counts);
  return 0;
}

int remove(const Arguments& arguments, const std::string& name) {
  change(arguments, existing_depot, [&](std::vector<conf::Token>& tokens) {
    if (std::erase_if(tokens, [&](const conf::Token& token) { return token.name == name; }) == 0)
      throw std::runtime_error(fmt::format("there is no token {}: `apdepot token list` shows all", name));
  });
  fmt::print(stderr, "the token {} is removed, and opens nothing any more\n", escaped(name, whole));
  return 0;
}

int list(const Arguments& arguments) {
  const auto file = file_of(load_settings(arguments).settings, existing_depot);
  std::vector<std::string> items;
  for (const auto& token : conf::load_tokens(file)) {
    const auto role = conf::name_of(token.role, conf::token_roles);
    if (arguments.has("--json")) {
      JsonObject object;
      object.add("name", token.name, whole);
      object.add_safe("role", role);
      items.push_back(object.text());
    } else {
      fmt::print("{}\t{}\n", escaped(token.name, whole), role);
    }
  }
  if (arguments.has("--json")) fmt::print("{}\n", json_list(items));
  return 0;
}

int run(Arguments& arguments) {
  const auto action = arguments.take_word("add, remove or list");
  if (action == "list") {
    arguments.expect_no_more();
    return list(arguments);
  }
  if (action != "add" && action != "remove")
    throw UsageError(fmt::format("token {}: it is add, remove or list", action));
  const auto name = arguments.take_word("NAME");
  arguments.expect_no_more();
  return action == "add" ? add(arguments, name) : remove(arguments, name);
}

}  // namespace

const Command token_command{"token", "add|remove NAME, or list",
                            "manages tokens, with which a program asks the page's API", flags, run};

}  // namespace server
