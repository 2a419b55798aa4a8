#include "conf/load.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "conf/account.hpp"
#include "conf/document.hpp"
#include "conf/endpoint.hpp"
#include "conf/host_example.hpp"
#include "conf/keys.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/privacy.hpp"

namespace conf {
namespace {

// The mistakes that more than one value makes.
template <class T>
void check(Section&, const T&) {}

void check_listen(Section& section, const std::vector<Endpoint>& listen) {
  if (const auto text = clash_of(listen)) section.error("listen", *text);
}

void check(Section& section, const Ssh& ssh) { check_listen(section, ssh.listen); }

void check(Section& section, const Syslog& syslog) {
  check_listen(section, syslog.listen);
  section.warn_if(!syslog.listen.empty() && syslog.allow.empty(), "allow",
                  "is empty, so that nobody may send: name the networks of your controllers");
}

void check(Section& section, const Metrics& metrics) { check_listen(section, metrics.listen); }

void check(Section& section, const Web& web) {
  check_listen(section, web.listen);
  if (web.certificate && !web.key)
    section.error("certificate", "needs web.key, the file with its private key");
  if (web.key && !web.certificate) section.error("key", "needs web.certificate, the file that it belongs to");
  if (web.hsts && !web.certificate)
    section.error("hsts",
                  "needs web.certificate: a browser that was once told so refuses the next self-made "
                  "certificate, and offers no way round");
}

void check(Section& section, const Http& http) {
  std::vector<Endpoint> all;
  for (const auto& each : http.listen) all.push_back(each.at);
  check_listen(section, all);
}

void check(Section& section, const Tftp& tftp) {
  check_listen(section, tftp.listen);
  if (tftp.uploads && tftp.single_port) {
    section.error(
        "uploads",
        "cannot be true while tftp.single_port is true: whoever forges an allowed address could upload "
        "in its name, because he need not hear the answers; set one of the two to false");
  }
  section.warn_if(tftp.single_port && tftp.port_range, "port_range",
                  "has no effect while tftp.single_port is true");
}

// Fills settings in from the file, key by key.
struct Reader {
  Section& in;

  void flag(std::string_view key, bool& out, Takes) { in.flag(key, out); }
  template <class T>
  void number(std::string_view key, std::uint64_t low, std::uint64_t high, T& out, Takes) {
    in.number(key, low, high, out);
  }
  void size(std::string_view key, const Kind<std::uint64_t>& kind, std::uint64_t& out, Takes) {
    in.text(key, kind, out);
  }
  void size_or_null(std::string_view key, const Kind<std::uint64_t>& kind, std::optional<std::uint64_t>& out,
                    Takes) {
    in.text_or_null(key, kind, out);
  }
  template <class T>
  void text(std::string_view key, const Kind<T>& kind, T& out, Takes) {
    in.text(key, kind, out);
  }
  template <class T>
  void text_or_null(std::string_view key, const Kind<T>& kind, std::optional<T>& out, Takes) {
    in.text_or_null(key, kind, out);
  }
  template <class T, std::size_t n>
  void choice(std::string_view key, const Name<T> (&names)[n], T& out, Takes) {
    in.choice(key, names, out);
  }
  template <class T>
  void list(std::string_view key, const Kind<T>& kind, std::vector<T>& out, Takes) {
    in.list(key, kind, out);
  }
  template <class T, class Pair>
  void mapping(std::string_view key, const Kind<T>& kind, std::vector<Pair>& out, Takes) {
    in.mapping(key, kind, out);
  }
  void users(std::string_view, std::vector<User>& out) { read_users(in, out); }
  template <class T>
  void section(std::string_view key, T& out) {
    const auto fill = [](Section& section, T& filled) {
      Reader reader{section};
      keys(reader, filled);
      check(section, filled);
    };
    in.section(key, fill, out);
  }
};

void read_settings(Section& top, Settings& settings) {
  const auto errors_before = top.errors();
  Reader reader{top};
  keys(reader, settings);
  top.warn_if(top.errors() == errors_before && settings.tftp.listen.empty() && settings.ssh.listen.empty() &&
                  settings.http.listen.empty(),
              top.has("tftp") ? "tftp" : "ssh",
              "tftp.listen, ssh.listen and http.listen are all empty: nothing is served but what systemd's "
              "socket units "
              "open");
}

// Unlike the users file it may be a group's, too: the service's.
void warn_of_strangers(const std::filesystem::path& file, std::vector<std::string>& warnings) {
  using storage::Others;
  if (!storage::have_access(Others::everybody, file)) return;
  warnings.push_back(
      fmt::format("{}: holds password hashes, and everybody on this host has access to it; run: {}",
                  storage::utf8_of(file), storage::command_against(Others::everybody, file)));
}

}  // namespace

std::string_view example() {
  static constexpr std::string_view built_in =
#include "example_config.inc"
      ;
  static const std::string text = example_of_host(built_in);
  return text;
}

Loaded load_defaults() {
  Loaded loaded;
  read_document(example(), "the built-in defaults", read_settings, loaded.settings);
  return loaded;
}

Loaded load_text(std::string_view text, const std::string& name) {
  auto loaded = load_defaults();
  const auto read = [&loaded](Section& top, Settings& settings) {
    loaded.names_depot = top.has("depot");
    read_settings(top, settings);
  };
  loaded.warnings = read_document(text, name, read, loaded.settings);
  return loaded;
}

Loaded load_file(const std::filesystem::path& file) {
  const auto text = read_whole(file);
  if (!text) throw ConfigError(fmt::format("cannot read {}: there is no such file", storage::utf8_of(file)));
  auto loaded = load_text(*text, storage::utf8_of(file));
  if (std::ranges::any_of(loaded.settings.ssh.users,
                          [](const User& user) { return !user.password_hash.empty(); }))
    warn_of_strangers(file, loaded.warnings);
  return loaded;
}

}  // namespace conf
