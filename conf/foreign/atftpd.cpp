#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "conf/foreign/options.hpp"
#include "conf/foreign/readers.hpp"
#include "conf/foreign/text.hpp"

namespace conf::foreign {
namespace {

using Value = Option::Value;

constexpr std::array options{Option{"tftpd-timeout", 't', Value::needed},
                             Option{"retry-timeout", 'r', Value::needed},
                             Option{"maxthread", 'm', Value::needed},
                             Option{"verbose", 'v', Value::optional},
                             Option{"trace"},
                             Option{"no-timeout"},
                             Option{"no-tsize"},
                             Option{"no-blksize"},
                             Option{"no-windowsize"},
                             Option{"no-multicast"},
                             Option{"logfile", 0, Value::needed},
                             Option{"pidfile", 0, Value::needed},
                             Option{"listen-local"},
                             Option{"daemon"},
                             Option{"no-fork"},
                             Option{"prevent-sas"},
                             Option{"user", 0, Value::needed},
                             Option{"group", 0, Value::needed},
                             Option{"port", 0, Value::needed},
                             Option{"bind-address", 0, Value::needed},
                             Option{"mcast-port", 0, Value::needed},
                             Option{"mcast-addr", 0, Value::needed},
                             Option{"mcast-ttl", 0, Value::needed},
                             Option{"mcast-switch-client", 0, Value::needed},
                             Option{"pcre", 0, Value::needed},
                             Option{"pcre-test", 0, Value::needed},
                             Option{"mtftp", 0, Value::needed},
                             Option{"mtftp-port", 0, Value::needed},
                             Option{"no-source-port-checking"},
                             Option{"reduce-priority"},
                             Option{"help", 'h'},
                             Option{"version", 'V'}};

// syslog's levels, of which 5 is the default.
LogLevel level_of(std::uint64_t level) {
  return level < 5    ? LogLevel::quiet
         : level == 5 ? LogLevel::normal
         : level == 6 ? LogLevel::verbose
                      : LogLevel::debug;
}

class Translator {
 public:
  explicit Translator(Draft& draft) : draft_(draft) {}

  void take(const Place& place, std::string_view text) {
    const auto words = shell_words(text);
    const auto line = parse_options(words, options);
    for (const auto& given : line.options) take_option(place, given);
    for (const auto& word : line.words) {
      draft_.folder(place, "the folder", word);
      if (word.starts_with('/') && word != "/") draft_.alias(place, word, "/");
    }
  }

  void finish() {
    auto& listen = draft_.settings.tftp.listen;
    listen.clear();
    draft_.listen(address_place_, "--bind-address", address_, port_, Draft::Families::both, listen);
    draft_.stay_inside_if_nowhere(listen, 69);
    draft_.settings.log.level = level_;
    draft_.tell(
        {},
        "atftpd takes what devices send, wherever its user may write, and so does the YAML below, but "
        "below /uploads only and never over a file; without tftp.uploads nobody sends anything");
    draft_.settings.tftp.uploads = true;
    draft_.serve_only_tftp();
  }

 private:
  void take_option(const Place& place, const Given& given) {
    if (!given.option)
      return draft_.tell(place, fmt::format("{} is not an option of atftpd, and left out", given.value));
    const auto& name = given.option->name;
    const auto what = fmt::format("--{}", name);
    const auto& value = given.value;
    auto& settings = draft_.settings;
    if (name == "port") {
      port_ = value;
      address_place_ = place;
    } else if (name == "bind-address") {
      address_ = value;
      address_place_ = place;
    } else if (name == "maxthread") {
      if (const auto most = draft_.number(place, what, value, 1, 1'000'000))
        settings.tftp.max_transfers = static_cast<std::uint32_t>(*most);
    } else if (name == "verbose") {
      level_ = level_of(value.empty() ? 6 : draft_.number(place, what, value, 0, 7).value_or(5));
    } else if (name == "trace") {
      level_ = LogLevel::debug;
    } else if (name == "logfile") {
      if (value != "-") draft_.log_file(place, what, value);
    } else if (name == "no-blksize") {
      settings.tftp.max_block_size = 512;
    } else if (name == "no-windowsize") {
      settings.tftp.max_window = 1;
    } else if (name == "no-timeout" || name == "no-tsize") {
      draft_.tell(place, what + ": apdepot always answers this option");
    } else if (name == "tftpd-timeout" || name == "retry-timeout") {
      draft_.tell(place, what + ": apdepot measures each client's round trip and resends by that");
    } else if (name.starts_with("mcast-") || name == "mtftp" || name == "mtftp-port") {
      draft_.tell(place, what + ": apdepot sends to each client by itself, never by multicast");
    } else if (name == "user" || name == "group") {
      if (name == "user") draft_.user(place, what, std::string_view(value).substr(0, value.find('.')));
    } else if (name == "pcre" || name == "pcre-test") {
      draft_.tell(place,
                  fmt::format("{} {}: patterns have no equivalent; lookup.aliases maps the beginning of a "
                              "path, and lookup.forgiving finds other spellings",
                              what, value));
    } else if (name == "listen-local" || name == "no-source-port-checking" || name == "prevent-sas" ||
               name == "reduce-priority") {
      draft_.tell(place, what + ": it has no equivalent");
    }
  }

  Draft& draft_;
  Place address_place_;
  std::string address_, port_ = "69";
  LogLevel level_ = LogLevel::normal;
};

void read(std::string_view text, const std::string&, Draft& draft) {
  Translator translator(draft);
  std::optional<std::pair<int, std::string>> last;  // of two assignments the shell takes the later one
  for (const auto& [number, line] : lines_of(text)) {
    if (line.starts_with('#')) continue;
    const auto set = assignment(line);
    const auto value = set ? shell_words(set->value) : std::vector<std::string>();
    if (value.empty()) continue;
    if (set->key == "OPTIONS") last.emplace(number, value.front());
    if (set->key == "USE_INETD" && lower(value.front()) == "true")
      draft.tell({"", number},
                 "USE_INETD: inetd starts atftpd, and has the port: take its line out of "
                 "/etc/inetd.conf; apdepot runs by itself");
  }
  if (last) translator.take({"", last->first}, last->second);
  translator.finish();
}

int likeness(std::string_view text) {
  int count = 0;
  for (const auto& [number, line] : lines_of(text)) {
    const auto set = assignment(line);
    if (!set || line.starts_with('#')) continue;
    if (set->key == "USE_INETD") count += 2;
    if (set->key != "OPTIONS") continue;
    for (const auto& option : options)
      if (option.name.size() > 4 && set->value.find(option.name) != set->value.npos) ++count;
  }
  return count;
}

}  // namespace

const Reader atftpd{"atftpd", "atftpd", likeness, read};

}  // namespace conf::foreign
