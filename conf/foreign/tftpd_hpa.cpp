#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "conf/foreign/map_file.hpp"
#include "conf/foreign/options.hpp"
#include "conf/foreign/readers.hpp"
#include "conf/foreign/text.hpp"

namespace conf::foreign {
namespace {

using Value = Option::Value;
using Families = Draft::Families;

constexpr std::array options{Option{"ipv4", '4'},
                             Option{"ipv6", '6'},
                             Option{"listen", 'l'},
                             Option{"foreground", 'L'},
                             Option{"address", 'a', Value::needed},
                             Option{"create", 'c'},
                             Option{"secure", 's'},
                             Option{"user", 'u', Value::needed},
                             Option{"umask", 'U', Value::needed},
                             Option{"permissive", 'p'},
                             Option{"pidfile", 'P', Value::needed},
                             Option{"timeout", 't', Value::needed},
                             Option{"retransmit", 'T', Value::needed},
                             Option{"map-file", 'm', Value::needed},
                             Option{"verbose", 'v'},
                             Option{"verbosity", 0, Value::needed},
                             Option{"refuse", 'r', Value::needed},
                             Option{"blocksize", 'B', Value::needed},
                             Option{"port-range", 'R', Value::needed},
                             Option{"version", 'V'}};

// What a file says about in.tftpd, in whatever form, before it is translated.
struct Found {
  struct Text {
    Place place;
    std::string what, value;
  };
  std::vector<Text> option_texts, folders;
  std::optional<Text> address, user;
};

// "[::1]:69", "192.0.2.1", ":69", "0.0.0.0:69".
void read_address(const Found::Text& text, Families families, Draft& draft) {
  std::string_view address = text.value, port = "69";
  const auto bracket = address.rfind(']');
  const auto colon = address.rfind(':');
  if (colon != address.npos && (bracket == address.npos || colon > bracket)) {
    port = address.substr(colon + 1);
    address = address.substr(0, colon);
  }
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  draft.listen(text.place, text.what, address, port, families, draft.settings.tftp.listen);
}

LogLevel level_of(std::uint64_t verbosity) {
  return verbosity == 0   ? LogLevel::quiet
         : verbosity == 1 ? LogLevel::normal
         : verbosity < 5  ? LogLevel::verbose
                          : LogLevel::debug;
}

// The options of in.tftpd, from one place or several.
class Translator {
 public:
  explicit Translator(Draft& draft) : draft_(draft) {}

  void take(const Found& found) {
    for (const auto& text : found.option_texts) take_options(text);
    for (const auto& folder : found.folders) folders_.push_back(folder);
    if (found.user) draft_.user(found.user->place, found.user->what, found.user->value);
    if (!address_) address_ = found.address;  // Debian's unit gives it before the options
    finish();
  }

 private:
  void take_options(const Found::Text& text) {
    const auto words = shell_words(text.value);
    const auto line = parse_options(words, options);
    for (const auto& given : line.options) take_option(text.place, given);
    for (const auto& word : line.words) folders_.push_back({text.place, "the folder", word});
  }

  void take_option(const Place& place, const Given& given) {
    if (!given.option)
      return draft_.tell(place, fmt::format("{} is not an option of in.tftpd, and left out", given.value));
    const auto& name = given.option->name;
    const auto what = fmt::format("--{}", name);
    const auto& value = given.value;
    auto& tftp = draft_.settings.tftp;
    if (name == "ipv4") {
      families_ = Families::ipv4;
    } else if (name == "ipv6") {
      families_ = Families::ipv6;
    } else if (name == "address") {
      address_ = {place, what, value};
    } else if (name == "create") {
      draft_.uploads_allowed(place, what);
    } else if (name == "secure") {
      secure_ = true;
    } else if (name == "user") {
      draft_.user(place, what, value);
    } else if (name == "umask") {
      draft_.tell(place, what + ": what is sent gets mode 0644, folders 0755");
    } else if (name == "permissive") {
      draft_.tell(place, what + ": as apdepot does it: what its user may read is served");
    } else if (name == "pidfile") {
      draft_.tell(place, what + ": no file is written; systemd knows the process");
    } else if (name == "timeout") {
      draft_.tell(place, what + " is for inetd: apdepot always runs by itself");
    } else if (name == "retransmit") {
      draft_.tell(place, what + ": apdepot measures each client's round trip and resends by that");
    } else if (name == "map-file") {
      map_ = {place, what, value};
    } else if (name == "verbose") {
      ++verbosity_;
    } else if (name == "verbosity") {
      verbosity_ = draft_.number(place, what, value, 0, 7).value_or(verbosity_);
    } else if (name == "refuse" && lower(value) == "blksize") {
      tftp.max_block_size = 512;
    } else if (name == "refuse") {
      draft_.tell(place, fmt::format("{} {}: apdepot always answers this option", what, value));
    } else if (name == "blocksize") {
      draft_.largest_block(place, what, value);
    } else if (name == "port-range") {
      const auto colon = value.find(':');
      draft_.ports(place, what, value.substr(0, colon),
                   colon == value.npos ? "" : std::string_view(value).substr(colon + 1));
    }
  }

  void finish() {
    auto& listen = draft_.settings.tftp.listen;
    listen.clear();
    read_address(address_.value_or(Found::Text{{}, "--address", ""}), families_, draft_);
    draft_.stay_inside_if_nowhere(listen, 69);
    const auto first = folders_.empty() ? std::string() : folders_.front().value;
    for (const auto& folder : folders_) {
      draft_.folder(folder.place, folder.what, folder.value);
      if (!secure_ && folder.value != "/") draft_.alias(folder.place, folder.value, "/");
    }
    if (!secure_ && !folders_.empty())
      draft_.tell(folders_.front().place,
                  "without --secure devices ask for whole paths: lookup.aliases takes their beginning off");
    if (map_) read_map_file(secure_ ? "" : first);
    draft_.settings.log.level = level_of(verbosity_);
    if (verbosity_ == 0)
      draft_.tell({},
                  "without --verbose in.tftpd logs no requests, so log.level is quiet below: take it out "
                  "to see what is sent, and why not");
    draft_.serve_only_tftp();
  }

  void read_map_file(std::string_view folder) {
    const auto text = draft_.host.read(map_->value);
    if (text) return read_map(*text, map_->value, folder, draft_);
    draft_.tell(map_->place,
                fmt::format("{} {} could not be read: {}; `apdepot config from` takes it alone, too",
                            map_->what, map_->value, text.error()));
  }

  Draft& draft_;
  Families families_ = Families::both;
  std::optional<Found::Text> address_, map_;
  std::vector<Found::Text> folders_;
  bool secure_ = false;
  std::uint64_t verbosity_ = 0;
};

// Behind the last word that is the program: inetd names it twice, and tcpd stands before it.
std::string arguments_of(std::string_view line) {
  constexpr std::string_view program = "in.tftpd";
  auto at = line.npos;
  for (auto next = line.find(program); next != line.npos; next = line.find(program, next + 1)) {
    const auto end = next + program.size();
    if (end == line.size() || line[end] == ' ' || line[end] == '\t') at = end;
  }
  return at == line.npos ? std::string() : std::string(trimmed(line.substr(at)));
}

bool is_service(std::string_view line) {
  return line.find("in.tftpd") != line.npos && !line.starts_with('#');
}

// xinetd's `service tftp`: its words beside server_args.
void take_xinetd(const Place& place, const Assignment& line, Found& found, Draft& draft) {
  const auto key = lower(line.key);
  if (key == "server_args") {
    found.option_texts.push_back({place, "server_args", std::string(line.value)});
  } else if (key == "bind" || key == "interface") {
    found.address = {place, "bind", std::string(line.value)};
  } else if (key == "only_from" || key == "no_access") {
    for (const auto& network : parts(line.value, ' '))
      draft.add_network(place, key, network,
                        key == "only_from" ? draft.settings.tftp.allow : draft.settings.tftp.deny);
  } else if (key == "per_source") {
    if (const auto most = draft.number(place, key, line.value, 1, 1'000'000))
      draft.settings.tftp.max_transfers_per_address = static_cast<std::uint32_t>(*most);
  } else if (key == "disable" && lower(line.value) == "yes") {
    draft.tell(place, "disable = yes: xinetd does not serve TFTP now");
  }
}

// Of two assignments the shell takes the later one.
void forget(std::vector<Found::Text>& texts, std::string_view key) {
  std::erase_if(texts, [&](const Found::Text& text) { return text.what == key; });
}

void read_lines(std::string_view text, Found& found, Draft& draft) {
  const auto lines = lines_of(text);
  const bool xinetd = std::ranges::any_of(lines, [](const Line& line) {
    const auto set = assignment(line.text);
    return set && lower(set->key) == "server_args" && !line.text.starts_with('#');
  });
  std::string joined;
  int begin = 0;
  for (const auto& [number, line] : lines) {
    if (line.starts_with('#') || line.starts_with(';')) continue;
    if (joined.empty()) begin = number;
    joined += line;
    if (joined.ends_with('\\')) {  // a systemd unit goes on
      joined.back() = ' ';
      continue;
    }
    const auto whole_line = std::exchange(joined, {});
    const Place place{"", begin};
    const auto set = assignment(whole_line);
    const auto value = set ? shell_words(set->value) : std::vector<std::string>();
    const auto first = value.empty() ? std::string() : value.front();
    if (set && xinetd) {
      take_xinetd(place, *set, found, draft);
    } else if (set && set->key == "TFTP_OPTIONS") {
      forget(found.option_texts, set->key);
      found.option_texts.push_back({place, "TFTP_OPTIONS", first});
    } else if (set && set->key == "TFTP_DIRECTORY") {
      forget(found.folders, set->key);
      for (const auto& folder : shell_words(first))
        found.folders.push_back({place, "TFTP_DIRECTORY", folder});
    } else if (set && set->key == "TFTP_ADDRESS") {
      found.address = {place, "TFTP_ADDRESS", first};
    } else if (set && set->key == "TFTP_USERNAME") {
      found.user = {place, "TFTP_USERNAME", first};
    } else if (set && set->key == "RUN_DAEMON" && lower(first) == "no") {
      draft.tell(place, "RUN_DAEMON: tftpd-hpa is switched off there");
    } else if (is_service(whole_line)) {
      found.option_texts.push_back({place, "in.tftpd", arguments_of(whole_line)});
    }
  }
}

void read(std::string_view text, const std::string&, Draft& draft) {
  Found found;
  read_lines(text, found, draft);
  Translator(draft).take(found);
}

int likeness(std::string_view text) {
  int count = 0;
  for (const auto& line : lines_of(text)) {
    auto words = line.text;
    if (words.starts_with('#')) words = trimmed(words.substr(1));
    if (words.starts_with("TFTP_") && assignment(words)) count += 4;
    if (is_service(line.text)) count += 4;
  }
  return count;
}

}  // namespace

const Reader tftpd_hpa{"tftpd-hpa", "tftpd-hpa", likeness, read};

}  // namespace conf::foreign
