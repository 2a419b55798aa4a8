#include "server/accounts/users.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <optional>

#include "conf/authorized_key.hpp"
#include "conf/load.hpp"
#include "conf/names.hpp"
#include "conf/users.hpp"
#include "server/accounts/password.hpp"
#include "server/accounts/user_book.hpp"
#include "server/api/users.hpp"
#include "server/commands/command.hpp"
#include "server/commands/password_file.hpp"
#include "server/commands/text_input.hpp"
#include "server/os/host_text.hpp"
#include "server/os/identity.hpp"
#include "server/os/terminal.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/root.hpp"

namespace server {
namespace {

constexpr Flag flags[]{
    {"--password-file", "FILE", "read the password from FILE's first line, - for standard input"},
    {"--key", "FILE", "public keys that open the account (OpenSSH's .pub); repeatable"},
    {"--root", "DIR", "the folder of images/ that the user sees as /"},
    {"--uploads", "", "let the user send new files, below uploads/ in that folder"},
    {"--web", "ROLE", "what the user may do on the page: none, viewer or admin"},
    {"--no-sftp", "", "the user may not log in over SFTP and SCP"},
    {"--json", "", "print JSON (list)"}};

// A key that another program wrote, and what makes OpenSSH's form of it; empty for none that is known.
std::string foreign_key_advice(std::string_view line, const std::string& file) {
  if (line.starts_with("PuTTY-User-Key-File-"))
    return fmt::format(
        "it is PuTTY's private key, which stays with its owner: take the public key that PuTTYgen "
        "shows for authorized_keys, or what `puttygen {0} -O public-openssh` prints, or save it there by "
        "\"Save public key\" and run `ssh-keygen -i -f SAVED`",
        file);
  if (line.starts_with("---- BEGIN SSH2 PUBLIC KEY"))
    return fmt::format(
        "it is a public key in the form of SSH2 (RFC 4716): `ssh-keygen -i -f {} > key.pub`, and take "
        "key.pub",
        file);
  if (line.starts_with("-----BEGIN RSA PUBLIC KEY"))
    return fmt::format("it is a public key in PEM: `ssh-keygen -i -m PEM -f {} > key.pub`, and take key.pub",
                       file);
  if (line.starts_with("-----BEGIN PUBLIC KEY"))
    return fmt::format(
        "it is a public key in PKCS8: `ssh-keygen -i -m PKCS8 -f {} > key.pub`, and take key.pub", file);
  return {};
}

// Of its text nothing is shown: it may be a private key.
std::vector<std::string> keys_of(const std::string& file) {
  expect_no_folder(file);
  std::ifstream in(storage::path_of(file));
  if (!in) throw std::runtime_error(fmt::format("cannot read {}", file));
  std::vector<std::string> keys;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (number == 1) take_off_mark(line, file);
    if (line.ends_with('\r')) line.pop_back();
    if (const auto advice = foreign_key_advice(line, file); !advice.empty())
      throw std::runtime_error(fmt::format("--key {}: {}", file, advice));
    if (line.empty() || line.starts_with('#')) continue;
    if (line.find("PRIVATE KEY") != line.npos) {
      throw std::runtime_error(
          fmt::format("--key {}: it is a private key, which stays with its owner; take {}.pub", file, file));
    }
    if (const auto key = conf::parse_authorized_key(line); !key)
      throw std::runtime_error(fmt::format("--key {}:{}: {}", file, number, conf::text_of(key.error())));
    keys.push_back(std::move(line));
  }
  if (keys.empty()) throw std::runtime_error(fmt::format("--key {}: there is no key in it", file));
  return keys;
}

void expect_terminal() {
  if (!has_terminal())
    throw std::runtime_error("there is no terminal to ask for the password: use --password-file FILE");
}

Secret password_from_terminal(const std::string& name) {
  expect_terminal();
  auto first = ask_secret(fmt::format("Password for {}: ", escaped(name, whole)));
  if (!first) throw std::runtime_error("no password was given, nothing was changed");
  const Secret password(std::move(*first));
  const Secret again(ask_secret("Once more: ").value_or(""));
  if (password.text() != again.text())
    throw std::runtime_error("the two passwords differ, nothing was changed");
  return Secret(password.text());
}

// Read before root becomes the owner of the depot, for root alone may be allowed to.
std::optional<Secret> given_password(const Arguments& arguments) {
  const auto file = arguments.value("--password-file");
  if (!file) return std::nullopt;
  return password_from_file(*file);
}

// The page takes no shorter one, and a hash tells nothing of a length.
constexpr std::size_t least_for_page = 12;

void expect_fit(const Secret& password, conf::WebRole role) {
  if (password.text().empty()) throw std::runtime_error("the password is empty: nothing was changed");
  if (role == conf::WebRole::none || password.text().size() >= least_for_page) return;
  throw std::runtime_error(
      fmt::format("a password for the page has at least {} characters: nothing was changed", least_for_page));
}

std::string new_hash(std::optional<Secret> given, const std::string& name, conf::WebRole role) {
  const auto password = given ? std::move(*given) : password_from_terminal(name);
  expect_fit(password, role);
  return hash_password(password.text());
}

// A users file that does not lie in the depot belongs to whom its folder belongs. In root's folder a new one
// is the service's (give_to_service).
std::filesystem::path file_to_change(const conf::Settings& settings) {
  if (!settings.ssh.users_file) return users_file(settings, open_depot(settings));
  act_as_owner_of(std::filesystem::absolute(*settings.ssh.users_file).parent_path());
  return *settings.ssh.users_file;
}
// The same for a user who is in it already: a mistyped name of a depot makes none.
std::filesystem::path existing_file(const conf::Settings& settings) {
  return settings.ssh.users_file ? file_to_change(settings) : users_file(settings, existing_depot(settings));
}
// Members of the depot's group may read everything else of a packaged depot. The names alone would take a
// second file beside the hashes, which could differ from the first.
void expect_readable(const std::filesystem::path& file) {
  std::error_code error;
  const bool there = std::filesystem::exists(file, error);
  if ((!there && !error) || std::ifstream(file)) return;
  throw std::runtime_error(
      fmt::format("cannot read {}: Permission denied; it holds password hashes, so only its owner and {} may "
                  "read it: `{}apdepot user list`",
                  storage::utf8_of(file), host::administrator, host::sudo));
}
std::filesystem::path file_to_read(const conf::Settings& settings) {
  auto file = existing_file(settings);
  expect_readable(file);
  return file;
}

UserBook book_of(const Arguments& arguments,
                 std::filesystem::path (*file_of)(const conf::Settings&) = existing_file) {
  auto settings = load_settings(arguments).settings;
  auto file = file_of(settings);
  return {std::move(settings), std::move(file)};
}

// A typing error would be told at the first login only.
void expect_folder(const conf::Settings& settings, const std::string& root) {
  const auto path = storage::Path::parse(root);
  if (path && path->is_root()) return;
  const auto images = storage::Depot::existing(settings.depot).images();
  if (path) {
    const auto found = storage::Root(images).attributes(*path);
    if (found && found->kind == storage::Kind::directory) return;
  }
  throw std::runtime_error(
      fmt::format("--root {}: there is no such folder in {}: make it, or import a bundle, first", root,
                  storage::utf8_of(images)));
}

// A depot that is still to be made will hold no such folder.
void expect_possible_folder(const conf::Settings& settings, const std::string& root) {
  std::error_code error;
  if (!std::filesystem::exists(settings.depot / "images", error) && !error) expect_folder(settings, root);
}

conf::WebRole web_role(std::string_view text) {
  for (const auto& [name, role] : conf::web_roles)
    if (name == text) return role;
  throw UsageError(fmt::format("{} is not a role on the page: none, viewer or admin", text));
}

int add(const Arguments& arguments, const std::string& name) {
  if (!conf::is_user_name(name)) {
    throw UsageError(fmt::format("{} is no user name: letters, digits, '.', '_' and '-', 32 at most", name));
  }
  conf::User user;
  user.name = name;
  user.root = arguments.value("--root").value_or(user.root);
  if (!conf::is_user_root(user.root))
    throw UsageError(fmt::format("--root {}: it is {}", user.root, conf::user_root_text));
  user.uploads = arguments.has("--uploads");
  user.web = web_role(arguments.value("--web").value_or("none"));
  user.sftp = !arguments.has("--no-sftp");
  for (const auto& file : arguments.values("--key")) {
    for (auto& key : keys_of(file)) user.authorized_keys.push_back(std::move(key));
  }
  auto password = given_password(arguments);
  const bool on_page = user.web != conf::WebRole::none;  // where keys are of no use
  const bool has_password = user.authorized_keys.empty() || password || on_page;
  if (password) {
    expect_fit(*password, user.web);
  } else if (has_password) {
    expect_terminal();
  }
  auto settings = load_settings(arguments).settings;
  expect_possible_folder(settings, user.root);
  const auto file = file_to_change(settings);  // may make the depot
  UserBook book(std::move(settings), file);
  book.expect_free(name);
  expect_folder(book.settings(), user.root);
  if (has_password) user.password_hash = new_hash(std::move(password), name, user.web);
  give_to_service(book.settings(), file);
  book.change([&] {
    book.expect_free(name);
    book.users().push_back(std::move(user));
  });
  fmt::print(stderr, "user {} may log in {}\n", escaped(name, whole),
             when_service_reads(book.settings(), file));
  return 0;
}

int remove(const Arguments& arguments, const std::string& name) {
  auto book = book_of(arguments);
  book.change([&] {
    book.existing(name);
    std::erase_if(book.users(), [&](const conf::User& user) { return user.name == name; });
  });
  fmt::print(stderr, "user {} is removed, and may not log in any more; sessions that run go on\n",
             escaped(name, whole));
  return 0;
}

int passwd(const Arguments& arguments, const std::string& name) {
  auto password = given_password(arguments);
  auto book = book_of(arguments);
  auto hash = new_hash(std::move(password), name, book.existing(name).web);
  book.change([&] { book.existing(name).password_hash = std::move(hash); });
  fmt::print(stderr, "the password of {} is changed\n", escaped(name, whole));
  return 0;
}

int web(const Arguments& arguments, const std::string& name, const std::string& role) {
  const auto wanted = web_role(role);
  auto book = book_of(arguments);
  book.change([&] { book.existing(name).web = wanted; });
  fmt::print(stderr, "{} is {} on the page\n", escaped(name, whole),
             wanted == conf::WebRole::none ? "nobody" : role);
  return 0;
}

int list(const Arguments& arguments) {
  const auto book = book_of(arguments, file_to_read);
  std::string json;
  const auto print = [&](const conf::User& user, const char* from) {
    if (arguments.has("--json")) {
      json.append(json.empty() ? "" : ",").append(to_json(user, from));
    } else {
      const auto page = user.web == conf::WebRole::none
                            ? ""
                            : fmt::format(", page: {}", conf::name_of(user.web, conf::web_roles));
      fmt::print("{}\t{}\t{}{} keys{}{}{}\t{}\n", escaped(user.name, whole), escaped(user.root, whole),
                 user.password_hash.empty() ? "" : "password, ", user.authorized_keys.size(),
                 user.uploads ? ", uploads" : "", page, user.sftp ? "" : ", no SFTP", from);
    }
  };
  for (const auto& user : book.settings().ssh.users) print(user, "configuration");
  for (const auto& user : book.users()) print(user, "users file");
  if (arguments.has("--json")) fmt::print("[{}]\n", json);
  return 0;
}

int run(Arguments& arguments) {
  const auto action = arguments.take_word("add, remove, passwd, web or list");
  if (action == "list") {
    arguments.expect_no_more();
    return list(arguments);
  }
  if (action == "web") {
    const auto name = arguments.take_word("NAME"), role = arguments.take_word("none, viewer or admin");
    arguments.expect_no_more();
    return web(arguments, name, role);
  }
  using Action = int (*)(const Arguments&, const std::string&);
  const Action act = action == "add"      ? add
                     : action == "remove" ? remove
                     : action == "passwd" ? passwd
                                          : nullptr;
  if (!act) throw UsageError(fmt::format("user {}: it is add, remove, passwd, web or list", action));
  const auto name = arguments.take_word("NAME");
  arguments.expect_no_more();
  return act(arguments, name);
}

}  // namespace

const Command user_command{"user", "add|remove|passwd NAME, web NAME ROLE, or list",
                           "manages the users of SFTP and of the page; the password comes from a prompt or a "
                           "file, never from a flag",
                           flags, run};

}  // namespace server
