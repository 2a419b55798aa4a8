#include "server/api/users.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "conf/authorized_key.hpp"
#include "conf/names.hpp"
#include "conf/users.hpp"
#include "server/accounts/password.hpp"
#include "server/accounts/user_book.hpp"
#include "server/accounts/users.hpp"
#include "server/events/process.hpp"
#include "server/files/library.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/os/host_text.hpp"
#include "server/text/json.hpp"
#include "server/text/json_reader.hpp"
#include "storage/files/root.hpp"

namespace server {
namespace {

using http::Reply;
using http::Role;

constexpr std::size_t most_keys = 100, longest_password = 1024;

// The page takes no shorter password, and a hash tells nothing of a length. Empty: none is given.
std::string fault_for_page(const conf::User& user, const std::string& password) {
  constexpr std::size_t least = 12;
  if (user.web == conf::WebRole::none) return "";
  if (password.empty() && user.password_hash.empty()) return "a user of the page has a password";
  if (!password.empty() && password.size() < least)
    return fmt::format("a password for the page has at least {} characters", least);
  return "";
}

// A typing error would be told at the first login only.
bool is_folder(const storage::Depot& depot, const std::string& root) {
  const auto path = storage::Path::parse(root);
  if (!path) return false;
  if (path->is_root()) return true;
  const auto images = storage::Root::open(depot.images());
  const auto found = images ? images->attributes(*path) : std::unexpected(images.error());
  return found && found->kind == storage::Kind::directory;
}

// Applies `body` to a user who is there. Returns what is wrong with it, in a sentence.
std::string change_user(const std::string& body, const storage::Depot& depot, conf::User& user,
                        std::string& password) {
  std::string name;
  auto fault = read_user(body, user, name, password);
  if (!fault.empty()) return fault;
  if (!name.empty() && name != user.name) return "a user keeps the name: add another one";
  if (!is_folder(depot, user.root)) return fmt::format("there is no folder {} in images/", user.root);
  return "";
}

Outcome refusal_of(const UserBook::Refused& why) {
  return refused(why.why == UserBook::Refused::Why::missing ? 404 : 409, "not changed", why.what());
}

std::optional<conf::WebRole> web_role(std::string_view text) {
  for (const auto& [name, role] : conf::web_roles)
    if (name == text) return role;
  return {};
}

std::string read_keys(const YAML::Node& node, std::vector<std::string>& keys) {
  if (!node.IsSequence() || node.size() > most_keys)
    return fmt::format("keys is a list of at most {} lines of OpenSSH's .pub files", most_keys);
  keys.clear();
  for (const auto& each : node) {
    auto line = each.as<std::string>("");
    // Of its text nothing is shown: it may be a private key.
    if (line.find("PRIVATE KEY") != line.npos)
      return "keys has a private key, which stays with its owner; send the .pub";
    if (const auto key = conf::parse_authorized_key(line); !key)
      return fmt::format("keys: {}", conf::text_of(key.error()));
    keys.push_back(std::move(line));
  }
  return "";
}

}  // namespace

std::string to_json(const conf::User& user, const char* defined_in) {
  JsonObject object;
  object.add("name", user.name, whole);
  object.add("root", user.root, whole);
  object.add("password", !user.password_hash.empty());
  object.add("keys", user.authorized_keys.size());
  object.add("uploads", user.uploads);
  object.add_safe("web", conf::name_of(user.web, conf::web_roles));
  object.add("sftp", user.sftp);
  object.add("defined_in", defined_in);
  return object.text();
}

std::string read_user(const std::string& body, conf::User& user, std::string& name, std::string& password) {
  YAML::Node node;
  try {
    node = read_object(body, "the request");
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  for (const auto& each : node) {
    const auto key = each.first.as<std::string>("");
    const auto& value = each.second;
    if (key == "keys") {
      if (auto fault = read_keys(value, user.authorized_keys); !fault.empty()) return fault;
    } else if (key == "uploads") {
      const auto uploads = member<bool>(node, "uploads");
      if (!uploads) return "uploads is true or false";
      user.uploads = *uploads;
    } else if (key == "sftp") {
      const auto sftp = member<bool>(node, "sftp");
      if (!sftp) return "sftp is true or false";
      user.sftp = *sftp;
    } else if (key == "web") {
      const auto role = web_role(value.IsScalar() ? value.as<std::string>("") : "");
      if (!role) return "web is none, viewer or admin";
      user.web = *role;
    } else if (key == "name" || key == "password" || key == "root") {
      if (!value.IsScalar()) return fmt::format("{} is not a text", key);
      (key == "name" ? name : key == "password" ? password : user.root) = value.as<std::string>("");
    } else {
      return fmt::format(
          "{} is not a member of a user: name, password, keys, root, uploads, web and sftp are",
          escaped(key));
    }
  }
  if (node["password"] && password.empty()) return "the password is empty";
  if (password.size() > longest_password)
    return fmt::format("the password has more than {} bytes", longest_password);
  if (!conf::is_user_root(user.root)) return fmt::format("root is {}", conf::user_root_text);
  return fault_for_page(user, password);
}

UsersApi::UsersApi(const ApiSources& sources)
    : sources_(sources), desk_(sources.lanes.hashing, sources.events) {}

void UsersApi::offer(http::Router& router) {
  const http::Doors doors{http::Door::control, http::Door::page};
  router.add({"GET", "/api/v1/users", Role::admin, false, doors,
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                list(request, std::move(respond));
              }});
  router.add({"POST", "/api/v1/users", Role::admin, true, doors,
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                add(request, std::move(respond));
              }});
  router.add({"PATCH", "/api/v1/users/{}", Role::admin, true, doors,
              [this](const http::Request& request, const std::string& name, http::Respond respond) {
                change(request, name, std::move(respond));
              }});
  router.add({"DELETE", "/api/v1/users/{}", Role::admin, true, doors,
              [this](const http::Request& request, const std::string& name, http::Respond respond) {
                remove(request, name, std::move(respond));
              }});
}

void UsersApi::list(const http::Request& request, http::Respond respond) {
  desk_.answer(asker_of(request), std::move(respond),
               [settings = sources_.settings.now(), &depot = sources_.library.depot] {
                 std::string items;
                 const auto add = [&](const conf::User& user, const char* from) {
                   items.append(items.empty() ? "" : ",\n").append(to_json(user, from));
                 };
                 for (const auto& user : settings->ssh.users) add(user, "configuration");
                 const auto usable = conf::load_usable_users(users_file(*settings, depot));
                 for (const auto& user : usable.users) add(user, "users file");
                 std::vector<std::string> mistakes;
                 for (const auto& mistake : usable.mistakes)
                   mistakes.push_back(json_string(escaped(mistake, most_of_ours)));
                 return Reply{.body = fmt::format("{{\"items\":[{}],\"next\":null,\"mistakes\":{}}}\n", items,
                                                  json_list(mistakes))};
               });
}

// `change` alters the book, and returns the answer. A confined server writes the depot's own file only.
template <class Change>
void UsersApi::alter(const http::Request& request, http::Respond respond, event::Acted act, Change change) {
  desk_.act(asker_of(request), std::move(respond), std::move(act),
            [settings = sources_.settings.now(), &depot = sources_.library.depot,
             change = std::move(change)]() mutable -> Outcome {
              const auto file = users_file(*settings, depot);
              try {
                UserBook book(*settings, file);
                return change(book, depot);
              } catch (const UserBook::Refused& e) {
                return refusal_of(e);
              } catch (const std::exception& e) {
                return refused(
                    409, "not changed", e.what(),
                    settings->ssh.users_file
                        ? fmt::format("the server may only read ssh.users_file: `{}apdepot user`", host::sudo)
                        : "`apdepot config check` shows what is wrong with the users file");
              }
            });
}

void UsersApi::add(const http::Request& request, http::Respond respond) {
  alter(request, std::move(respond), {who_asks(request), "add user", {}, {}},
        [body = request.body](UserBook& book, const storage::Depot& depot) -> Outcome {
          conf::User user;
          std::string name;
          std::string text;
          const auto fault = read_user(body, user, name, text);
          const Secret password(std::move(text));
          if (!fault.empty()) return refused(400, "bad request", fault);
          if (name.empty()) return refused(400, "bad request", "name is missing");
          if (!conf::is_user_name(name))
            return refused(
                400, "bad request",
                fmt::format("{} is not a user name: letters, digits, '.', '_' and '-', 32 at most", name));
          if (!is_folder(depot, user.root))
            return refused(400, "bad request", fmt::format("there is no folder {} in images/", user.root));
          if (password.text().empty() && user.authorized_keys.empty())
            return refused(400, "bad request", "the user has neither a password nor a key");
          book.expect_free(name);
          user.name = name;
          if (!password.text().empty()) user.password_hash = hash_password(password.text());
          book.change([&] {
            book.expect_free(name);
            book.users().push_back(user);
          });
          return {{.status = 201, .body = to_json(user, "users file") + "\n"}, "done", name};
        });
}

void UsersApi::change(const http::Request& request, const std::string& name, http::Respond respond) {
  alter(request, std::move(respond), {who_asks(request), "change user", name, {}},
        [body = request.body, name](UserBook& book, const storage::Depot& depot) -> Outcome {
          auto user = book.existing(name);
          std::string text;
          auto fault = change_user(body, depot, user, text);
          const Secret password(std::move(text));
          if (!fault.empty()) return refused(400, "bad request", fault);
          const auto hash = password.text().empty() ? "" : hash_password(password.text());
          // Others may have changed the user since: what the body does not name is theirs.
          book.change([&] {
            user = book.existing(name);
            std::string again;
            fault = change_user(body, depot, user, again);
            const Secret same(std::move(again));
            if (!fault.empty()) return;
            if (!hash.empty()) user.password_hash = hash;
            book.existing(name) = user;
          });
          if (!fault.empty()) return refused(400, "bad request", fault);
          return {{.body = to_json(user, "users file") + "\n"}};
        });
}

void UsersApi::remove(const http::Request& request, const std::string& name, http::Respond respond) {
  alter(request, std::move(respond), {who_asks(request), "remove user", name, {}},
        [name](UserBook& book, const storage::Depot&) -> Outcome {
          book.change([&] {
            book.existing(name);
            std::erase_if(book.users(), [&](const conf::User& user) { return user.name == name; });
          });
          return {{.status = 204}};
        });
}

}  // namespace server
