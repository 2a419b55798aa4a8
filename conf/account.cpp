#include "conf/account.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/authorized_key.hpp"
#include "conf/names.hpp"
#include "conf/split_off.hpp"
#include "conf/users.hpp"

namespace conf {
namespace {

bool is_base64(std::string_view text) {
  const auto data = text.substr(0, text.find('='));
  const auto padding = text.substr(data.size());
  return !data.empty() && (padding.empty() || padding == "=" || padding == "==") &&
         std::ranges::all_of(data, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
                  c == '/';
         });
}

// "ln=14,r=8,p=5"
bool is_scrypt_cost(std::string_view text) {
  for (const std::string_view name : {"ln=", "r=", "p="}) {
    auto field = split_off(text, ',');
    if (!field.starts_with(name)) return false;
    field.remove_prefix(name.size());
    if (field.empty() || field.size() > 9) return false;
    if (!std::ranges::all_of(field, [](char c) { return c >= '0' && c <= '9'; })) return false;
  }
  return text.empty();
}

// Only the shape, so that a password in plain text is not taken for a hash; server/password knows the rest.
std::optional<std::string> parse_password_hash(std::string_view text) {
  auto rest = text;
  if (!split_off(rest, '$').empty() || split_off(rest, '$') != "scrypt") return std::nullopt;
  if (!is_scrypt_cost(split_off(rest, '$'))) return std::nullopt;
  const auto salt = split_off(rest, '$');
  return is_base64(salt) && is_base64(rest) ? std::optional(std::string(text)) : std::nullopt;
}

// One whose options are at fault is told of in read_user, for no word of it may stand in a message.
std::optional<std::string> parse_key_line(std::string_view text) {
  const auto key = parse_authorized_key(text);
  const bool shaped = key || key.error().what != KeyFault::What::no_key;
  return shaped ? std::optional(std::string(text)) : std::nullopt;
}

void check_options(Section& entry, const std::vector<std::string>& keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (const auto key = parse_authorized_key(keys[i]); !key)
      entry.error("authorized_keys", fmt::format("in key {}, {}", i + 1, text_of(key.error())));
  }
}

std::optional<std::string> parse_name(std::string_view text) {
  return is_user_name(text) ? std::optional(std::string(text)) : std::nullopt;
}

std::optional<std::string> parse_root(std::string_view text) {
  return is_user_root(text) ? std::optional(std::string(text)) : std::nullopt;
}

constexpr Kind<std::string> user_name{
    "1 to 32 of the characters A-Z a-z 0-9 . _ - with neither \".\" nor \"-\" first", parse_name};
constexpr Kind<std::string> password_hash{
    "a hash, $scrypt$ln=14,r=8,p=5$SALT$HASH, never the password itself; make it with: apdepot user passwd "
    "NAME",
    parse_password_hash};
constexpr Kind<std::string> authorized_key{authorized_key_text, parse_key_line};
constexpr Kind<std::string> root_folder{user_root_text, parse_root};

void read_user(Section& entry, User& user) {
  const auto errors_before = entry.errors();
  entry.text("name", user_name, user.name);
  entry.text("password_hash", password_hash, user.password_hash);
  entry.list("authorized_keys", authorized_key, user.authorized_keys);
  check_options(entry, user.authorized_keys);
  entry.text("root", root_folder, user.root);
  entry.flag("uploads", user.uploads);
  entry.choice("web", web_roles, user.web);
  entry.flag("sftp", user.sftp);

  if (entry.errors() != errors_before) return;  // one mistake, one message
  if (!entry.has("name")) entry.error("needs a name");
  if (user.password_hash.empty() && user.authorized_keys.empty()) {
    entry.error(
        "has neither password_hash nor authorized_keys, so nobody could log in; apdepot user passwd NAME "
        "makes a hash");
  }
}

}  // namespace

void read_users(Section& section, std::vector<User>& users) {
  const auto read_another = [&users](Section& entry, User& user) {
    read_user(entry, user);
    if (!user.name.empty() && std::ranges::find(users, user.name, &User::name) != users.end()) {
      entry.error("name", fmt::format("there is a user {} already; a name may stand here once", user.name));
    }
  };
  section.sections("users", read_another, users);
}

void print_users(Printer& printer, const std::vector<User>& users, Secrets secrets) {
  if (users.empty()) return printer.texts("users", {});
  printer.open_list("users");
  for (const auto& user : users) {
    printer.open_item();
    printer.text("name", user.name);
    if (!user.password_hash.empty()) {
      printer.text("password_hash", secrets == Secrets::written ? user.password_hash : "(hidden)");
    }
    printer.texts("authorized_keys", user.authorized_keys);
    printer.text("root", user.root);
    printer.flag("uploads", user.uploads);
    printer.text("web", name_of(user.web, web_roles));
    printer.flag("sftp", user.sftp);
    printer.close();
  }
  printer.close_list();
}

}  // namespace conf
