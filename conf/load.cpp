#include "conf/load.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "conf/account.hpp"
#include "conf/algorithms.hpp"
#include "conf/document.hpp"
#include "conf/endpoint.hpp"
#include "conf/names.hpp"
#include "conf/size.hpp"

namespace conf {
namespace {

std::optional<std::string> parse_text(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(std::string(text));
}

std::optional<std::filesystem::path> parse_path(std::string_view text) {
  if (text.empty() || text.starts_with('~')) return std::nullopt;
  return std::filesystem::path(text);
}

std::string path_advice(std::string_view text) {
  return text.starts_with('~') ? "; \"~\" stands for a home directory in a shell only: write the whole path"
                               : "";
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, port);
  return read.ec == std::errc() && read.ptr == end && port > 0 ? std::optional(port) : std::nullopt;
}

std::optional<PortRange> parse_port_range(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const auto first = parse_port(text.substr(0, dash));
  const auto last = parse_port(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return PortRange{*first, *last};
}

std::optional<std::uint64_t> parse_bound(std::string_view text) {
  const auto size = parse_size(text);
  return size && *size > 0 ? size : std::nullopt;
}

std::optional<std::uint64_t> parse_mebibytes(std::string_view text) {
  const auto size = parse_size(text);
  return size && *size >= 1 << 20 ? size : std::nullopt;
}

// What else there is to say about "10.1.2.3/8".
std::string network_meant(std::string_view text) {
  const auto network = network_around(text);
  return network ? fmt::format("; the network is {:?}", network->text()) : "";
}

std::optional<storage::Path> parse_virtual_path(std::string_view text) {
  const auto path = storage::Path::parse(text, storage::AboveRoot::refused);
  return text.starts_with('/') && path ? std::optional(*path) : std::nullopt;
}

std::optional<std::string> parse_layout(std::string_view text) {
  if (text.starts_with('/') || text.find("..") != text.npos || text.find('\\') != text.npos)
    return std::nullopt;
  if (text.find("{release}") == text.npos) return std::nullopt;
  for (auto rest = text; !rest.empty();) {
    const auto brace = std::min(rest.find_first_of("{}"), rest.size());
    rest.remove_prefix(brace);
    const auto placeholder = rest.substr(0, rest.find('}') + 1);
    if (!rest.empty() && placeholder != "{product}" && placeholder != "{release}") return std::nullopt;
    rest.remove_prefix(placeholder.size());
  }
  return std::string(text);
}

struct Target {
  LogTarget target;
  std::filesystem::path file;
};

std::optional<Target> parse_target(std::string_view text) {
  constexpr std::string_view prefix = "file:";
  if (text.starts_with(prefix) && text.size() > prefix.size()) {
    const auto file = parse_path(text.substr(prefix.size()));
    return file ? std::optional(Target{LogTarget::file, *file}) : std::nullopt;
  }
  const auto* found = std::ranges::find(log_targets, text, &Name<LogTarget>::first);
  if (found == std::end(log_targets)) return std::nullopt;
  return Target{found->second, {}};
}

constexpr Kind<std::string> plain_text{"a text", parse_text};
constexpr Kind<std::filesystem::path> file_path{"a path, such as /srv/apdepot/depot", parse_path,
                                                path_advice};
constexpr Kind<Endpoint> endpoint{
    "\"ADDRESS:PORT\" in quotes, such as \"0.0.0.0:69\" or \"[::]:69\" (an address, never a name; port 0 to "
    "65535)",
    parse_endpoint, endpoint_advice};
constexpr Kind<PortRange> port_range{"\"FIRST-LAST\", such as \"49152-49251\", within 1 to 65535, or null",
                                     parse_port_range};
constexpr Kind<std::uint64_t> size_bound{
    "a size of at least 1 byte: a number of bytes, or with KiB, MiB, GiB or TiB, such as 16GiB", parse_bound};
constexpr Kind<std::uint64_t> rekey_bound{
    "a size of at least 1MiB: a number of bytes, or with KiB, MiB, GiB or TiB, such as 1GiB, or null",
    parse_mebibytes};
constexpr Kind<std::uint64_t> log_bound{
    "a size of at least 1MiB: a number of bytes, or with KiB, MiB, GiB or TiB, such as 100MiB",
    parse_mebibytes};
constexpr Kind<std::string> account_name{"the name of a user of this host, or null", parse_text};
constexpr Kind<Network> network{
    "a network or one address, such as \"192.0.2.0/24\", \"2001:db8::/32\" or \"192.0.2.7\"", parse_network,
    network_meant};
constexpr Kind<storage::Path> virtual_path{
    "an absolute path without backslash or colon, such as \"/EWC/17_9_4a\"", parse_virtual_path};
constexpr Kind<EarlyDrop> early_drop{
    "\"START:RATE:FULL\", such as \"100:30:300\": START to FULL connections within 1 to 1000000, RATE in "
    "percent",
    parse_early_drop};
constexpr Kind<std::string> layout{
    "a relative path with {release} and, if you like, {product}, such as \"{product}/{release}\"",
    parse_layout};
constexpr Kind<Target> log_target{
    "auto, stderr, journal, syslog or file:PATH, where PATH is whole and without \"~\"", parse_target};

void read_listen(Section& section, std::vector<Endpoint>& listen) {
  section.list("listen", endpoint, listen);
  if (const auto text = clash_of(listen)) section.error("listen", *text);
}

void read_tftp(Section& section, Tftp& tftp) {
  read_listen(section, tftp.listen);
  section.flag("uploads", tftp.uploads);
  section.flag("read_uploads", tftp.read_uploads);
  section.text("max_upload", size_bound, tftp.max_upload);
  section.number("max_block_size", 8, 65464, tftp.max_block_size);
  section.number("max_window", 1, 65535, tftp.max_window);
  section.text_or_null("port_range", port_range, tftp.port_range);
  section.flag("single_port", tftp.single_port);
  section.number("max_transfers", 1, 1'000'000, tftp.max_transfers);
  section.number("max_transfers_per_address", 1, 1'000'000, tftp.max_transfers_per_address);
  section.number("max_requests_per_second", 1, 1'000'000, tftp.max_requests_per_second);
  section.list("allow", network, tftp.allow);
  section.list("deny", network, tftp.deny);
  if (tftp.uploads && tftp.single_port) {
    section.error(
        "uploads",
        "cannot be true while tftp.single_port is true: whoever forges an allowed address could upload "
        "in its name, because he need not hear the answers; set one of the two to false");
  }
  section.warn_if(tftp.single_port && tftp.port_range, "port_range",
                  "has no effect while tftp.single_port is true");
}

void read_ssh(Section& section, Ssh& ssh) {
  read_listen(section, ssh.listen);
  section.choice("compatibility", compatibilities, ssh.compatibility);
  section.text("max_upload", size_bound, ssh.max_upload);
  read_algorithms(section, ssh);
  section.text_or_null("rekey_limit", rekey_bound, ssh.rekey_limit);
  section.number("login_grace", 1, 3600, ssh.login_grace);
  section.text("max_unauthenticated", early_drop, ssh.max_unauthenticated);
  section.number("max_unauthenticated_per_address", 1, 1'000'000, ssh.max_unauthenticated_per_address);
  section.number("max_sessions", 1, 1'000'000, ssh.max_sessions);
  section.number("max_sessions_per_address", 1, 1'000'000, ssh.max_sessions_per_address);
  section.list("trusted", network, ssh.trusted);
  section.text_or_null("users_file", file_path, ssh.users_file);
  read_users(section, ssh.users);
}

void read_uploads(Section& section, Uploads& uploads) {
  section.text("max_total", size_bound, uploads.max_total);
  section.number("max_files", 1, 1'000'000, uploads.max_files);
  section.number("max_folders", 1, 1'000'000, uploads.max_folders);
  section.text("reserve", size_bound, uploads.reserve);
}

void read_import(Section& section, Import& import) {
  section.flag("watch", import.watch);
  section.text("layout", layout, import.layout);
  section.number("settle", 0, 3600, import.settle);
  section.number("keep", 0, 1'000'000, import.keep);
  section.flag("keep_bundles", import.keep_bundles);
  section.number("max_rejected", 1, 1'000'000, import.max_rejected);
  section.number("max_members", 1, 10'000'000, import.max_members);
  section.text("max_total", size_bound, import.max_total);
  section.number("max_ratio", 1, 1'000'000, import.max_ratio);
}

void read_lookup(Section& section, storage::LookupSettings& lookup) {
  section.flag("forgiving", lookup.forgiving);
  section.mapping("aliases", virtual_path, lookup.aliases);
}

void read_log(Section& section, Log& log) {
  section.choice("level", log_levels, log.level);
  section.choice("format", log_formats, log.format);
  Target target{log.target, log.file};
  section.text("target", log_target, target);
  log.target = target.target;
  log.file = target.file;
  section.text("max_size", log_bound, log.max_size);
}

void read_metrics(Section& section, std::optional<Endpoint>& metrics) {
  section.text_or_null("listen", endpoint, metrics);
  section.warn_if(metrics.has_value(), "listen", "this version serves no metrics; the key has no effect yet");
}

void read_settings(Section& top, Settings& settings) {
  const auto errors_before = top.errors();
  top.text("depot", file_path, settings.depot);
  top.text_or_null("user", account_name, settings.user);
  top.section("tftp", read_tftp, settings.tftp);
  top.section("ssh", read_ssh, settings.ssh);
  top.section("uploads", read_uploads, settings.uploads);
  top.section("import", read_import, settings.import);
  top.section("lookup", read_lookup, settings.lookup);
  top.section("log", read_log, settings.log);
  top.section("metrics", read_metrics, settings.metrics);
  top.list("expected", plain_text, settings.expected);
  top.number("drain", 0, 86'400, settings.drain);

  top.warn_if(!settings.expected.empty(), "expected",
              "this version does not tell who never asked; the key has no effect yet");
  if (top.errors() == errors_before && settings.tftp.listen.empty() && settings.ssh.listen.empty()) {
    top.error(top.has("tftp") ? "tftp" : "ssh",
              "nothing to serve: tftp.listen and ssh.listen are both empty");
  }
}

// Unlike the users file it may be a group's, too: the service's.
void warn_of_strangers(const std::filesystem::path& file, std::vector<std::string>& warnings) {
  using enum std::filesystem::perms;
  std::error_code error;
  if ((std::filesystem::status(file, error).permissions() & others_all) == none || error) return;
  warnings.push_back(fmt::format(
      "{0}: holds password hashes, and everybody on this host has access to it; run: chmod o= {0}",
      file.string()));
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> mistakes)
    : std::runtime_error(fmt::format("{}", fmt::join(mistakes, "\n"))), mistakes_(std::move(mistakes)) {}

std::vector<std::string> mistakes_of(const std::exception& error) {
  if (const auto* config = dynamic_cast<const ConfigError*>(&error)) return config->mistakes();
  return {error.what()};
}

std::string_view example() {
  static constexpr std::string_view text =
#include "example_config.inc"
      ;
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
  if (!text) throw ConfigError(fmt::format("cannot read {}: there is no such file", file.string()));
  auto loaded = load_text(*text, file.string());
  if (std::ranges::any_of(loaded.settings.ssh.users,
                          [](const User& user) { return !user.password_hash.empty(); }))
    warn_of_strangers(file, loaded.warnings);
  return loaded;
}

}  // namespace conf
