#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "conf/foreign/readers.hpp"
#include "conf/foreign/sshd_accounts.hpp"
#include "conf/foreign/sshd_algorithms.hpp"
#include "conf/foreign/sshd_config.hpp"
#include "conf/foreign/text.hpp"
#include "conf/kinds.hpp"
#include "storage/files/path_text.hpp"

namespace conf::foreign {
namespace {

// Read here, or by the accounts and algorithms.
constexpr std::array<std::string_view, 30> read_here{"port",
                                                     "listenaddress",
                                                     "addressfamily",
                                                     "hostkey",
                                                     "logingracetime",
                                                     "maxstartups",
                                                     "persourcemaxstartups",
                                                     "persourcepenaltyexemptlist",
                                                     "rekeylimit",
                                                     "loglevel",
                                                     "kexalgorithms",
                                                     "hostkeyalgorithms",
                                                     "ciphers",
                                                     "macs",
                                                     "forcecommand",
                                                     "chrootdirectory",
                                                     "authorizedkeysfile",
                                                     "authorizedkeyscommand",
                                                     "authorizedkeyscommanduser",
                                                     "allowusers",
                                                     "denyusers",
                                                     "allowgroups",
                                                     "denygroups",
                                                     "passwordauthentication",
                                                     "pubkeyauthentication",
                                                     "kbdinteractiveauthentication",
                                                     "challengeresponseauthentication",
                                                     "subsystem",
                                                     "banner",
                                                     "authenticationmethods"};
// For shells, terminals, forwarding and logins that apdepot does not have at all: nothing gets lost.
constexpr std::array<std::string_view, 38> needless{"acceptenv",
                                                    "allowagentforwarding",
                                                    "allowstreamlocalforwarding",
                                                    "allowtcpforwarding",
                                                    "clientalivecountmax",
                                                    "clientaliveinterval",
                                                    "compression",
                                                    "disableforwarding",
                                                    "exposeauthinfo",
                                                    "gatewayports",
                                                    "gssapiauthentication",
                                                    "gssapicleanupcredentials",
                                                    "gssapistrictacceptorcheck",
                                                    "hostbasedauthentication",
                                                    "ignorerhosts",
                                                    "ignoreuserknownhosts",
                                                    "ipqos",
                                                    "kerberosauthentication",
                                                    "kerberosorlocalpasswd",
                                                    "kerberosticketcleanup",
                                                    "permitemptypasswords",
                                                    "permitlisten",
                                                    "permitopen",
                                                    "permitrootlogin",
                                                    "permittty",
                                                    "permittunnel",
                                                    "permituserenvironment",
                                                    "permituserrc",
                                                    "pidfile",
                                                    "printlastlog",
                                                    "printmotd",
                                                    "strictmodes",
                                                    "tcpkeepalive",
                                                    "usedns",
                                                    "usepam",
                                                    "versionaddendum",
                                                    "x11forwarding",
                                                    "x11displayoffset"};

template <class List>
bool is_in(const List& list, std::string_view keyword) {
  return std::ranges::find(list, keyword) != list.end();
}

std::string value_of(const SshdConfig::Setting& setting) {
  return setting.words.empty() ? "" : setting.words.front();
}

// sshd's times: "120", "2m", "1h30m".
std::optional<std::uint64_t> seconds_of(std::string_view text) {
  std::uint64_t total = 0, number = 0;
  bool digits = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      number = std::min<std::uint64_t>(number * 10 + static_cast<std::uint64_t>(c - '0'), 1'000'000);
      digits = true;
      continue;
    }
    const std::uint64_t unit = c == 's' || c == 'S'   ? 1
                               : c == 'm' || c == 'M' ? 60
                               : c == 'h' || c == 'H' ? 3600
                               : c == 'd' || c == 'D' ? 86'400
                                                      : 0;
    if (!digits || unit == 0) return std::nullopt;
    total += number * unit;
    number = 0;
    digits = false;
  }
  return text.empty() ? std::nullopt : std::optional(total + number);
}

void read_listen(const SshdConfig& config, Draft& draft) {
  std::vector<std::string> ports;
  for (const auto& setting : config.settings())
    if (setting.keyword == "port") ports.push_back(value_of(setting));
  if (ports.empty()) ports.emplace_back("22");
  const auto* family = config.find("addressfamily");
  const auto name = family ? lower(value_of(*family)) : "any";
  const auto families = name == "inet"    ? Draft::Families::ipv4
                        : name == "inet6" ? Draft::Families::ipv6
                                          : Draft::Families::both;
  auto& listen = draft.settings.ssh.listen;
  listen.clear();
  bool addresses = false;
  for (const auto& setting : config.settings()) {
    if (setting.keyword != "listenaddress") continue;
    addresses = true;
    const auto text = value_of(setting);
    std::string_view address = text;
    std::optional<std::string> port;
    const auto colon = address.rfind(':'), bracket = address.rfind(']');
    const bool bare_ipv6 = bracket == address.npos && address.find(':') != colon;
    if (colon != address.npos && !bare_ipv6 && (bracket == address.npos || colon > bracket)) {
      port = address.substr(colon + 1);
      address = address.substr(0, colon);
    }
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    for (const auto& each : port ? std::vector{*port} : ports)
      draft.listen(setting.place, "ListenAddress", address, each, families, listen);
  }
  if (!addresses)
    for (const auto& port : ports) draft.listen({}, "Port", "", port, families, listen);
  draft.stay_inside_if_nowhere(listen, 22);
  draft.tell({},
             "sshd and apdepot cannot both have one port: move sshd to another one first (Port 2022 in "
             "sshd_config), or change ssh.listen below");
}

void read_host_keys(const SshdConfig& config, Draft& draft) {
  std::vector<std::pair<Place, std::string>> files;
  for (const auto& setting : config.settings())
    if (setting.keyword == "hostkey") files.emplace_back(setting.place, value_of(setting));
  if (files.empty())
    for (const auto* type : {"rsa", "ed25519"})
      files.emplace_back(Place{}, fmt::format("/etc/ssh/ssh_host_{}_key", type));
  const auto state = storage::utf8_of(draft.settings.depot) + "/state/";
  for (const auto& [place, file] : files) {
    const auto* type = file.find("rsa") != file.npos       ? "rsa"
                       : file.find("ed25519") != file.npos ? "ed25519"
                                                           : nullptr;
    if (!type) {
      draft.tell(place, fmt::format("HostKey {}: apdepot has RSA and Ed25519 host keys", file));
      continue;
    }
    draft.tell(place, fmt::format("so that no device sees a changed host key: install -o apdepot -m 600 {} "
                                  "{}ssh_host_{}_key",
                                  shell_word(file), state, type));
  }
}

void read_max_startups(const SshdConfig::Setting& setting, Draft& draft) {
  auto text = value_of(setting);
  if (text.find(':') == text.npos) text = fmt::format("{}:100:{}", text, text);
  if (const auto parsed = early_drop.parse(text)) {
    draft.settings.ssh.max_unauthenticated = *parsed;
  } else {
    draft.tell(setting.place, fmt::format("MaxStartups {}: ssh.max_unauthenticated cannot have it", text));
  }
}

void read_rekey_limit(const SshdConfig::Setting& setting, Draft& draft) {
  auto text = value_of(setting);
  if (setting.words.size() > 1 && lower(setting.words[1]) != "none")
    draft.tell(setting.place, "RekeyLimit: keys are exchanged by bytes only, not by time");
  if (lower(text) == "default" || lower(text) == "none") return;
  const auto unit = text.empty() ? ' ' : lower(text).back();
  if (unit == 'k' || unit == 'm' || unit == 'g') {
    text.pop_back();
    text += unit == 'k' ? "KiB" : unit == 'm' ? "MiB" : "GiB";
  }
  if (const auto parsed = rekey_bound.parse(text)) {
    draft.settings.ssh.rekey_limit = *parsed;
  } else {
    draft.tell(setting.place,
               fmt::format("RekeyLimit {}: ssh.rekey_limit is at least 1MiB", value_of(setting)));
  }
}

void read_level(const SshdConfig::Setting& setting, Draft& draft) {
  const auto level = lower(value_of(setting));
  auto& out = draft.settings.log.level;
  out = level == "quiet" || level == "fatal" || level == "error" ? LogLevel::quiet
        : level == "info"                                        ? LogLevel::normal
        : level.starts_with("debug")                             ? LogLevel::debug
                                                                 : LogLevel::verbose;
}

void read_limits(const SshdConfig& config, Draft& draft) {
  auto& ssh = draft.settings.ssh;
  if (const auto* grace = config.find("logingracetime")) {
    const auto seconds = seconds_of(value_of(*grace));
    if (!seconds) {
      draft.tell(grace->place,
                 fmt::format("LoginGraceTime {}: not a time that is known here", value_of(*grace)));
    } else if (*seconds == 0 || *seconds > 3600) {
      draft.tell(grace->place, "LoginGraceTime: at most an hour here");
      ssh.login_grace = std::chrono::seconds(3600);
    } else {
      ssh.login_grace = std::chrono::seconds(*seconds);
    }
  }
  if (const auto* startups = config.find("maxstartups")) read_max_startups(*startups, draft);
  if (const auto* source = config.find("persourcemaxstartups"); source && lower(value_of(*source)) != "none")
    if (const auto most =
            draft.number(source->place, "PerSourceMaxStartups", value_of(*source), 1, 1'000'000))
      ssh.max_unauthenticated_per_address = static_cast<std::uint32_t>(*most);
  if (const auto* exempt = config.find("persourcepenaltyexemptlist"))
    for (const auto& network : parts(value_of(*exempt), ','))
      draft.add_network(exempt->place, "PerSourcePenaltyExemptList", network, ssh.trusted);
  if (const auto* rekey = config.find("rekeylimit")) read_rekey_limit(*rekey, draft);
  if (const auto* level = config.find("loglevel")) read_level(*level, draft);
}

void tell_of_others(const SshdConfig& config, Draft& draft) {
  std::set<std::string> told;
  for (const auto& setting : config.settings()) {
    if (!told.insert(setting.keyword).second) continue;
    const auto value = fmt::format("{}", fmt::join(setting.words, " "));
    if (setting.keyword == "banner" && lower(value) != "none")
      draft.tell(setting.place, "Banner: apdepot shows none");
    if (setting.keyword == "authenticationmethods" && value.find(',') != value.npos)
      draft.tell(setting.place,
                 fmt::format("AuthenticationMethods {}: one method is enough here, a key or the "
                             "password",
                             value));
    if (!is_in(read_here, setting.keyword) && !is_in(needless, setting.keyword))
      draft.tell(setting.place, fmt::format("{} {}: it has no equivalent", setting.keyword, value));
  }
  draft.tell(
      {},
      "apdepot has no shell, no forwarding, no root and no users of the host: what the file says about "
      "them is left out");
}

void read(std::string_view text, const std::string&, Draft& draft) {
  const SshdConfig config(text, draft);
  read_listen(config, draft);
  read_host_keys(config, draft);
  read_limits(config, draft);
  read_algorithms(config, draft);
  read_accounts(config, draft);
  tell_of_others(config, draft);
  draft.serve_only_ssh();
}

int likeness(std::string_view text) {
  int count = 0;
  for (const auto& [number, line] : lines_of(text)) {
    auto words = line;
    if (words.starts_with('#')) words = words.substr(1);
    const auto keyword = lower(words.substr(0, words.find_first_of(" \t")));
    if (keyword.size() == words.size()) continue;
    if (is_in(read_here, keyword) || is_in(needless, keyword) || keyword == "match") ++count;
  }
  return count;
}

}  // namespace

const Reader sshd{"OpenSSH's sshd", "sshd_config*", likeness, read};

}  // namespace conf::foreign
