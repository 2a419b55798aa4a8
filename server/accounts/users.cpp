#include "server/accounts/users.hpp"

#include <algorithm>

#include "conf/settings.hpp"
#include "conf/users.hpp"
#include "server/accounts/ssh_handles.hpp"
#include "storage/depot/depot.hpp"

namespace server {
namespace {

constexpr auto users_name = "users.yaml";

std::optional<KnownUser::Key> known_key(const std::string& line) {
  auto key = conf::parse_authorized_key(line);
  if (!key) return {};
  ssh_key raw = nullptr;
  const auto type = ssh_key_type_from_name(key->type.c_str());
  if (ssh_pki_import_pubkey_base64(key->base64.c_str(), type, &raw) != SSH_OK) return {};
  const ssh::Key imported(raw);
  auto text = ssh::base64(imported.get());
  if (text.empty()) return {};
  return KnownUser::Key{std::move(*key), std::move(text)};
}

std::shared_ptr<const KnownUser> known(const conf::User& user) {
  auto result = std::make_shared<KnownUser>();
  result->user = user;
  for (const auto& line : user.authorized_keys) {
    if (auto key = known_key(line)) result->keys.push_back(std::move(*key));
  }
  return result;
}

// But for upper and lower case, and blanks around it.
bool is_meant_by(const std::string& name, std::string_view typed) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!typed.empty() && blank(typed.front())) typed.remove_prefix(1);
  while (!typed.empty() && blank(typed.back())) typed.remove_suffix(1);
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(name, typed, {}, lower, lower);
}

auto known(const std::vector<conf::User>& users) {
  std::vector<std::shared_ptr<const KnownUser>> result;
  for (const auto& user : users) result.push_back(known(user));
  return result;
}

}  // namespace

std::filesystem::path users_file(const conf::Settings& settings, const storage::Depot& depot) {
  return settings.ssh.users_file.value_or(depot.state() / users_name);
}

std::filesystem::path users_file(const conf::Settings& settings) {
  return settings.ssh.users_file.value_or(storage::Depot::state_of(settings.depot) / users_name);
}

// The file is looked at even for whoever stands in the configuration, and all names are compared whoever it
// is, or the time would tell who is known.
UserLookup Users::find(const std::shared_ptr<const conf::Settings>& settings, const std::string& name) {
  UserLookup lookup;
  const auto pick = [&](const Known& users) {
    std::shared_ptr<const KnownUser> first;
    for (const auto& each : users) {
      if (each->user.name == name && !first) first = each;
      if (is_meant_by(each->user.name, name)) lookup.similar = each->user.name;
    }
    if (first) lookup.user = std::move(first);
  };
  const auto file = of_file(*settings);
  pick(file->users);
  pick(of_settings(settings)->users);
  if (!lookup.user) lookup.mistakes = file->mistakes;
  if (lookup.user) lookup.similar.clear();
  return lookup;
}

bool Users::has_web_admin(const std::shared_ptr<const conf::Settings>& settings) {
  const auto is_admin = [](const auto& each) { return each->user.web == conf::WebRole::admin; };
  return std::ranges::any_of(of_file(*settings)->users, is_admin) ||
         std::ranges::any_of(of_settings(settings)->users, is_admin);
}

// Stamped before it is read: a change in between is seen by the next one who asks.
std::shared_ptr<const Users::OfFile> Users::of_file(const conf::Settings& settings) {
  auto file = users_file(settings, depot_);
  const auto stamp = stamp_of(file);
  {
    const std::lock_guard lock(mutex_);
    const bool same = of_file_ && of_file_->file == file && of_file_->stamp && stamp &&
                      !of_file_->stamp->fresh && of_file_->stamp->same_as(*stamp);
    if (same) return of_file_;
  }
  auto [users, mistakes] = conf::load_usable_users(file);
  auto read = std::make_shared<const OfFile>(std::move(file), stamp, known(users), std::move(mistakes));
  const std::lock_guard lock(mutex_);
  of_file_ = read;
  return read;
}

std::shared_ptr<const Users::OfSettings> Users::of_settings(
    const std::shared_ptr<const conf::Settings>& settings) {
  {
    const std::lock_guard lock(mutex_);
    if (of_settings_ && of_settings_->settings == settings) return of_settings_;
  }
  auto read = std::make_shared<const OfSettings>(settings, known(settings->ssh.users));
  const std::lock_guard lock(mutex_);
  of_settings_ = read;
  return read;
}

}  // namespace server
