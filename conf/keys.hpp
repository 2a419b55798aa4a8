#pragma once
#include <concepts>
#include <type_traits>

#include "conf/algorithms.hpp"
#include "conf/kinds.hpp"
#include "conf/names.hpp"
#include "conf/settings.hpp"

// Every key of apdepot.yaml, one row each, in the order of the file. Reading, printing and the list of what
// waits for a restart are visitors of these rows, so a new key is one row here, one member of its section
// and one entry of apdepot.yaml; a test compares the three.
//
// A visitor has flag, number, size, size_or_null, text, text_or_null, choice, list, mapping, users and
// section; a row gives it the key, the bounds or the kind, and the member.
namespace conf {

// When a changed value takes effect: with the reload, or when the server starts again.
enum class Takes { at_once, at_restart };

template <class T, class Of>
concept Is = std::same_as<std::remove_const_t<T>, Of>;

template <class Visitor, Is<Tftp> T>
void keys(Visitor& visit, T& tftp) {
  using enum Takes;
  visit.list("listen", endpoint, tftp.listen, at_once);
  visit.flag("uploads", tftp.uploads, at_once);
  visit.flag("read_uploads", tftp.read_uploads, at_once);
  visit.size("max_upload", size_bound, tftp.max_upload, at_once);
  visit.number("max_block_size", 8, 65464, tftp.max_block_size, at_once);
  visit.number("max_window", 1, 65535, tftp.max_window, at_once);
  visit.text_or_null("port_range", port_range, tftp.port_range, at_once);
  visit.flag("single_port", tftp.single_port, at_restart);
  visit.number("max_transfers", 1, 1'000'000, tftp.max_transfers, at_once);
  visit.number("max_transfers_per_address", 1, 1'000'000, tftp.max_transfers_per_address, at_once);
  visit.number("max_requests_per_second", 1, 1'000'000, tftp.max_requests_per_second, at_once);
  visit.list("allow", network, tftp.allow, at_once);
  visit.list("deny", network, tftp.deny, at_once);
}

template <class Visitor, Is<Ssh> T>
void keys(Visitor& visit, T& ssh) {
  using enum Takes;
  visit.list("listen", endpoint, ssh.listen, at_once);
  visit.choice("compatibility", compatibilities, ssh.compatibility, at_restart);
  visit.size("max_upload", size_bound, ssh.max_upload, at_once);
  visit.list("kex", kex_name, ssh.kex, at_restart);
  visit.list("host_key_algorithms", host_key_name, ssh.host_key_algorithms, at_restart);
  visit.list("ciphers", cipher_name, ssh.ciphers, at_restart);
  visit.list("macs", mac_name, ssh.macs, at_restart);
  visit.size_or_null("rekey_limit", rekey_bound, ssh.rekey_limit, at_once);
  visit.number("login_grace", 1, 3600, ssh.login_grace, at_once);
  visit.text("max_unauthenticated", early_drop, ssh.max_unauthenticated, at_once);
  visit.number("max_unauthenticated_per_address", 1, 1'000'000, ssh.max_unauthenticated_per_address, at_once);
  visit.number("max_sessions", 1, 1'000'000, ssh.max_sessions, at_once);
  visit.number("max_sessions_per_address", 1, 1'000'000, ssh.max_sessions_per_address, at_once);
  visit.list("trusted", network, ssh.trusted, at_once);
  visit.text_or_null("users_file", file_path, ssh.users_file, at_once);
  visit.users("users", ssh.users);
}

template <class Visitor, Is<Uploads> T>
void keys(Visitor& visit, T& uploads) {
  using enum Takes;
  visit.size("max_total", size_bound, uploads.max_total, at_once);
  visit.number("max_files", 1, 1'000'000, uploads.max_files, at_once);
  visit.number("max_folders", 1, 1'000'000, uploads.max_folders, at_once);
  visit.size("reserve", size_bound, uploads.reserve, at_once);
}

template <class Visitor, Is<Import> T>
void keys(Visitor& visit, T& import) {
  using enum Takes;
  visit.flag("watch", import.watch, at_restart);
  visit.text("layout", layout, import.layout, at_restart);
  visit.number("settle", 0, 3600, import.settle, at_restart);
  visit.number("keep", 0, 1'000'000, import.keep, at_restart);
  visit.flag("keep_bundles", import.keep_bundles, at_restart);
  visit.number("max_rejected", 1, 1'000'000, import.max_rejected, at_restart);
  visit.number("max_members", 1, 10'000'000, import.max_members, at_restart);
  visit.size("max_total", size_bound, import.max_total, at_restart);
  visit.number("max_ratio", 1, 1'000'000, import.max_ratio, at_restart);
}

template <class Visitor, Is<storage::LookupSettings> T>
void keys(Visitor& visit, T& lookup) {
  using enum Takes;
  visit.flag("forgiving", lookup.forgiving, at_once);
  visit.mapping("aliases", virtual_path, lookup.aliases, at_once);
}

template <class Visitor, Is<Log> T>
void keys(Visitor& visit, T& log) {
  using enum Takes;
  visit.choice("level", log_levels, log.level, at_once);
  visit.choice("format", log_formats, log.format, at_restart);
  visit.text("target", log_destination, log.destination, at_restart);
  visit.size("max_size", log_bound, log.max_size, at_restart);
}

template <class Visitor, Is<Syslog> T>
void keys(Visitor& visit, T& syslog) {
  using enum Takes;
  visit.list("listen", endpoint, syslog.listen, at_once);
  visit.list("allow", network, syslog.allow, at_once);
  visit.number("max_lines_per_second", 1, 1'000'000, syslog.max_lines_per_second, at_once);
  visit.number("max_lines_per_second_in_all", 1, 1'000'000, syslog.max_lines_per_second_in_all, at_once);
}

template <class Visitor, Is<Http> T>
void keys(Visitor& visit, T& http) {
  using enum Takes;
  visit.list("listen", http_endpoint, http.listen, at_once);
  visit.flag("index", http.index, at_once);
}

template <class Visitor, Is<Metrics> T>
void keys(Visitor& visit, T& metrics) {
  using enum Takes;
  visit.list("listen", endpoint, metrics.listen, at_restart);
}

template <class Visitor, Is<Web> T>
void keys(Visitor& visit, T& web) {
  using enum Takes;
  visit.list("listen", endpoint, web.listen, at_restart);
  visit.text_or_null("certificate", file_path, web.certificate, at_once);
  visit.text_or_null("key", file_path, web.key, at_once);
  visit.list("names", host_name, web.names, at_once);
  visit.list("proxies", network, web.proxies, at_once);
  visit.flag("hsts", web.hsts, at_once);
}

template <class Visitor, Is<History> T>
void keys(Visitor& visit, T& history) {
  using enum Takes;
  visit.number("days", 0, 36'500, history.days, at_restart);
  visit.size("size", log_bound, history.size, at_restart);
}

template <class Visitor, Is<Settings> T>
void keys(Visitor& visit, T& settings) {
  using enum Takes;
  visit.text("depot", file_path, settings.depot, at_restart);
  visit.text_or_null("user", account_name, settings.user, at_restart);
  visit.section("tftp", settings.tftp);
  visit.section("ssh", settings.ssh);
  visit.section("uploads", settings.uploads);
  visit.section("import", settings.import);
  visit.section("lookup", settings.lookup);
  visit.section("log", settings.log);
  visit.section("syslog", settings.syslog);
  visit.section("http", settings.http);
  visit.section("metrics", settings.metrics);
  visit.section("web", settings.web);
  visit.section("history", settings.history);
  visit.list("expected", network, settings.expected, at_once);
  visit.number("drain", 0, 86'400, settings.drain, at_once);
}

}  // namespace conf
