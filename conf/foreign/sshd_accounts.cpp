#include "conf/foreign/sshd_accounts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "conf/authorized_key.hpp"
#include "conf/foreign/text.hpp"
#include "conf/users.hpp"
#include "storage/files/path_text.hpp"

namespace conf::foreign {
namespace {

constexpr std::size_t most_accounts = 1000, most_keys = 100;

// The users and groups of the host, from /etc/passwd and /etc/group: those of a directory service are not
// known here.
class Accounts {
 public:
  explicit Accounts(const Host& host) {
    if (const auto text = host.read("/etc/passwd")) {
      for (const auto& [number, line] : lines_of(*text)) {
        const auto fields = fields_of(line);
        if (fields.size() >= 6) entries_[fields[0]] = {fields[3], fields[5]};
      }
    }
    const auto text = host.read("/etc/group");
    if (!text) return;
    for (const auto& [number, line] : lines_of(*text)) {
      const auto fields = fields_of(line);
      if (fields.size() < 4) continue;
      auto& members = groups_[fields[0]];
      for (auto& member : parts(fields[3], ',')) members.insert(std::move(member));
      for (const auto& [name, entry] : entries_)
        if (entry.group == fields[2]) members.insert(name);
    }
  }

  bool knows(const std::string& user) const { return entries_.contains(user); }
  std::string home_of(const std::string& user) const {
    const auto found = entries_.find(user);
    return found == entries_.end() ? "/home/" + user : found->second.home;
  }
  std::set<std::string> members_of(const std::vector<std::string>& patterns) const {
    std::set<std::string> members;
    for (const auto& [group, users] : groups_)
      if (fits_list(patterns, group)) members.insert(users.begin(), users.end());
    return members;
  }
  SshdConfig::User user(const std::string& name) const {
    SshdConfig::User user{name, {}};
    for (const auto& [group, members] : groups_)
      if (members.contains(name)) user.groups.push_back(group);
    return user;
  }

 private:
  struct Entry {
    std::string group, home;
  };
  static std::vector<std::string> fields_of(std::string_view line) {
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == ':') {
        fields.emplace_back();
      } else {
        fields.back() += c;
      }
    }
    return fields;
  }
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::set<std::string>> groups_;
};

bool is_plain(std::string_view name) { return name.find_first_of("*?!") == name.npos; }

// Whom the file names, one by one or by group.
std::set<std::string> candidates(const SshdConfig& config, const Accounts& accounts, Draft& draft) {
  std::set<std::string> names;
  const auto add_users = [&](const Place& place, const std::vector<std::string>& patterns) {
    for (const auto& pattern : patterns) {
      const auto at = pattern.find('@');
      if (at != pattern.npos)
        draft.tell(place, fmt::format("{}: an address is not tied to a user here; put from=\"{}\" before the "
                                      "user's keys",
                                      pattern, pattern.substr(at + 1)));
      const auto name = pattern.substr(0, at);
      if (is_plain(name)) names.insert(name);
    }
  };
  const auto add_groups = [&](const std::vector<std::string>& patterns) {
    names.merge(accounts.members_of(patterns));
  };
  for (const auto& match : config.matches()) {
    for (std::size_t i = 0; i + 1 < match.words.size(); i += 2) {
      const auto kind = lower(match.words[i]);
      const auto patterns = parts(match.words[i + 1], ',');
      if (kind == "user") add_users(match.place, patterns);
      if (kind == "group") add_groups(patterns);
      if (kind != "user" && kind != "group")
        draft.tell(match.place,
                   fmt::format("Match {}: apdepot decides by user only; what stands below is left out",
                               fmt::join(match.words, " ")));
    }
  }
  for (const auto& setting : config.settings()) {
    if (setting.keyword == "allowusers") add_users(setting.place, setting.words);
    if (setting.keyword == "allowgroups") add_groups(setting.words);
  }
  return names;
}

std::string with_tokens(std::string_view text, const std::string& user, const std::string& home) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char token = text[++i];
    out += token == 'u' ? user : token == 'h' ? home : token == '%' ? "%" : fmt::format("%{}", token);
  }
  return out;
}

std::string first_word(const SshdConfig::Setting* setting, std::string_view otherwise) {
  return setting && !setting->words.empty() ? setting->words.front() : std::string(otherwise);
}

// An account that may only use SFTP.
struct Account {
  User user;
  Place place;
  std::string chroot;  // empty: none
  bool password = true;
};

class Reader {
 public:
  Reader(const SshdConfig& config, Draft& draft) : config_(config), draft_(draft), accounts_(draft.host) {}

  void read() {
    std::vector<Account> found;
    for (const auto& name : candidates(config_, accounts_, draft_)) {
      if (found.size() >= most_accounts) break;
      if (auto account = read_account(name)) found.push_back(std::move(*account));
    }
    if (found.empty())
      return draft_.tell(
          {},
          "no account with ForceCommand internal-sftp was found: `apdepot user add NAME` makes "
          "one. Users with a shell there keep it with sshd");
    set_roots(found);
    for (auto& account : found) take(account);
  }

 private:
  // Nothing for whom SFTP is not all there is, or who may not log in.
  std::optional<Account> read_account(const std::string& name) {
    const auto user = accounts_.user(name);
    const auto* forced = config_.find("forcecommand", user);
    const auto command = forced ? fmt::format("{}", fmt::join(forced->words, " ")) : "";
    const auto words = shell_words(command);
    if (words.empty() || (words.front() != "internal-sftp" && !words.front().ends_with("/sftp-server"))) {
      if (config_.find("chrootdirectory", user))
        draft_.tell(forced ? forced->place : config_.find("chrootdirectory", user)->place,
                    fmt::format("{}: no ForceCommand internal-sftp, so it stays with sshd", name));
      return std::nullopt;
    }
    if (!may_log_in(user)) {
      draft_.tell(forced->place, fmt::format("{} may not log in there, and is left out", name));
      return std::nullopt;
    }
    if (!is_user_name(name)) {
      draft_.tell(forced->place,
                  fmt::format("{}: a user name here has 1 to 32 of A-Z a-z 0-9 . _ -; left out", name));
      return std::nullopt;
    }
    Account account{{name, "", {}, "/", true}, forced->place, "", true};
    for (const auto& word : words) {
      if (word == "-R") account.user.uploads = false;
      if (word == "-d" || word == "-u" || word == "-m")
        draft_.tell(forced->place,
                    fmt::format("internal-sftp {}: a session begins at \"/\" here; what is sent "
                                "gets mode 0644, folders 0755",
                                word));
    }
    if (const auto chroot = first_word(config_.find("chrootdirectory", user), "none");
        lower(chroot) != "none")
      account.chroot = with_tokens(chroot, name, accounts_.home_of(name));
    account.password = lower(first_word(config_.find("passwordauthentication", user), "yes")) != "no" ||
                       lower(first_word(config_.find("kbdinteractiveauthentication", user), "no")) == "yes";
    if (lower(first_word(config_.find("pubkeyauthentication", user), "yes")) != "no")
      read_keys(user, account);
    return account;
  }

  bool may_log_in(const SshdConfig::User& user) const {
    const auto listed = [&](std::string_view keyword, bool otherwise, bool by_group) {
      std::vector<std::string> patterns;
      for (const auto& setting : config_.settings())
        if (setting.keyword == keyword)
          for (const auto& word : setting.words) patterns.push_back(word.substr(0, word.find('@')));
      if (patterns.empty()) return otherwise;
      if (!by_group) return fits_list(patterns, user.name);
      return std::ranges::any_of(user.groups, [&](const auto& group) { return fits_list(patterns, group); });
    };
    return listed("allowusers", true, false) && listed("allowgroups", true, true) &&
           !listed("denyusers", false, false) && !listed("denygroups", false, true);
  }

  void read_keys(const SshdConfig::User& user, Account& account) {
    const auto home = accounts_.home_of(user.name);
    const auto* setting = config_.find("authorizedkeysfile", user);
    auto files = setting ? setting->words : std::vector<std::string>{".ssh/authorized_keys"};
    for (const auto& word : files) {
      if (lower(word) == "none") continue;
      auto file = with_tokens(word, user.name, home);
      if (!file.starts_with('/')) file = home + "/" + file;
      const auto text = draft_.host.read(file);
      if (!text) {
        draft_.tell(account.place, fmt::format("{}: no keys from {}: {}", user.name, file, text.error()));
        continue;
      }
      for (const auto& [number, line] : lines_of(*text))
        if (!line.starts_with('#')) take_key({file, number}, line, account.user);
    }
    if (const auto* command = config_.find("authorizedkeyscommand", user);
        command && first_word(command, "none") != "none")
      draft_.tell(command->place,
                  fmt::format("AuthorizedKeysCommand: its keys for {} are not here", user.name));
  }

  // No word of a line that is not a key is repeated: it may be anything.
  void take_key(const Place& place, std::string_view line, User& user) {
    const auto key = parse_authorized_key(line);
    if (!key)
      return draft_.tell(place,
                         fmt::format("not a key that {} can have: {}", user.name, text_of(key.error())));
    const std::string text(line);
    const bool known = std::ranges::find(user.authorized_keys, text) != user.authorized_keys.end();
    if (!known && user.authorized_keys.size() < most_keys) user.authorized_keys.push_back(text);
  }

  // images/ stands for what all chroots have in common.
  void set_roots(std::vector<Account>& found) {
    std::optional<std::vector<std::string>> common;
    for (const auto& account : found) {
      if (account.chroot.empty()) continue;
      const auto folders = parts(account.chroot, '/');
      if (!common) common = folders;
      std::size_t same = 0;
      while (same < std::min(common->size(), folders.size()) && (*common)[same] == folders[same]) ++same;
      common->resize(same);
    }
    for (auto& account : found) {
      if (account.chroot.empty()) continue;
      auto folders = parts(account.chroot, '/');
      folders.erase(folders.begin(), folders.begin() + static_cast<std::ptrdiff_t>(common->size()));
      const auto root = fmt::format("/{}", fmt::join(folders, "/"));
      if (is_user_root(root)) account.user.root = root;
    }
  }

  void take(Account& account) {
    const auto& user = account.user;
    if (account.chroot.empty()) {
      draft_.tell(account.place, fmt::format("{} sees the whole disk there, and {}/images/ here", user.name,
                                             storage::utf8_of(draft_.settings.depot)));
    } else {
      draft_.folder(account.place, fmt::format("ChrootDirectory of {}:", user.name), account.chroot,
                    user.root);
    }
    if (user.uploads)
      draft_.tell(
          account.place,
          fmt::format("{} may send new files below uploads/ of its root only, and never overwrite one; take "
                      "uploads out if it sends none",
                      user.name));
    const auto add = fmt::format("apdepot user add {}{}{}", user.name, user.root == "/" ? "" : " --root ",
                                 user.root == "/" ? "" : shell_word(user.root)) +
                     (user.uploads ? " --uploads" : "");
    if (user.authorized_keys.empty()) {
      draft_.tell(account.place,
                  fmt::format("{} has no key that came along, and the password hash in /etc/shadow "
                              "cannot: `{}` asks for a password",
                              user.name, add));
      return;
    }
    if (account.password)
      draft_.tell(account.place,
                  fmt::format("{} has keys below; a password hash of /etc/shadow cannot come along. "
                              "For a password take the user out below and run `{} --password-file - "
                              "--key FILE`",
                              user.name, add));
    draft_.settings.ssh.users.push_back(user);
  }

  const SshdConfig& config_;
  Draft& draft_;
  Accounts accounts_;
};

}  // namespace

void read_accounts(const SshdConfig& config, Draft& draft) { Reader(config, draft).read(); }

}  // namespace conf::foreign
