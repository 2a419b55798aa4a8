#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "conf/network.hpp"
#include "storage/depot/upload_limits.hpp"
#include "storage/import/import_settings.hpp"
#include "storage/lookup/lookup_settings.hpp"

// What the administrator can decide, typed. The defaults are not here: they are conf/apdepot.yaml, which is
// compiled in and loaded first, so that the annotated example and the program cannot disagree. Plain values;
// any thread may read.
namespace conf {

// An address to listen on.
struct Endpoint {
  std::string address;  // an IPv4 or IPv6 literal, without brackets; "0.0.0.0" and "::" for all
  std::uint16_t port = 0;
  std::string text() const;  // "[::]:69"
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
// "0.0.0.0:69", "[::]:69". Nothing for anything else; names are not resolved.
std::optional<Endpoint> parse_endpoint(std::string_view text);

// An address to serve images on over HTTP, or over HTTPS.
struct HttpEndpoint {
  Endpoint at;
  bool tls = false;
  std::string text() const;  // "0.0.0.0:80", "https://0.0.0.0:443"
  friend bool operator==(const HttpEndpoint&, const HttpEndpoint&) = default;
};
// As parse_endpoint(), with "http://" or "https://" before it or nothing.
std::optional<HttpEndpoint> parse_http_endpoint(std::string_view text);

// UDP ports, both ends included.
struct PortRange {
  std::uint16_t first = 0, last = 0;
  friend bool operator==(const PortRange&, const PortRange&) = default;
};

// What a user may do on the page: nothing, look at it, or change things.
enum class WebRole { none, viewer, admin };

// An account: an entry of `ssh.users` or of the users file.
struct User {
  std::string name;
  std::string password_hash;  // as server/password makes it; empty: no password opens this account
  std::vector<std::string> authorized_keys;  // OpenSSH lines
  std::string root = "/";                    // a folder of images/ that this user sees as "/"
  bool uploads = false;
  WebRole web = WebRole::none;
  bool sftp = true;  // may log in over SFTP and SCP
};

// An entry of the tokens file. A program sends the token, and needs no password.
struct Token {
  std::string name;
  WebRole role = WebRole::viewer;
  std::string sha256;  // of the token, in hex
};

// The key `tftp`.
struct Tftp {
  std::vector<Endpoint> listen;
  bool uploads = false;
  bool read_uploads = false;     // whether devices may read what clients sent
  std::uint64_t max_upload = 0;  // bytes
  std::uint16_t max_block_size = 0;
  std::uint16_t max_window = 0;
  std::optional<PortRange> port_range;
  bool single_port = false;
  std::uint32_t max_transfers = 0;
  std::uint32_t max_transfers_per_address = 0;
  std::uint32_t max_requests_per_second = 0;  // from one address
  std::vector<Network> allow;                 // empty: everybody
  std::vector<Network> deny;                  // wins over allow
};

// Which algorithms SSH offers: those of today, or old devices' as well.
enum class Compatibility { modern, legacy };

// As sshd's MaxStartups: above `start`, `rate` percent are dropped at random, growing to all of them at
// `full`.
struct EarlyDrop {
  std::uint32_t start = 0, rate = 0, full = 0;
  std::string text() const;  // "100:30:300"
  friend bool operator==(const EarlyDrop&, const EarlyDrop&) = default;
};
// "100:30:300". Nothing for anything else, a rate above 100 or a start above full included.
std::optional<EarlyDrop> parse_early_drop(std::string_view text);

// The key `ssh`.
struct Ssh {
  std::vector<Endpoint> listen;
  Compatibility compatibility = Compatibility::modern;
  std::uint64_t max_upload = 0;                                      // bytes
  std::vector<std::string> kex, host_key_algorithms, ciphers, macs;  // empty: by compatibility
  std::optional<std::uint64_t> rekey_limit;  // bytes, after which keys are exchanged again
  std::chrono::seconds login_grace{0};
  EarlyDrop max_unauthenticated;  // connections that nobody has logged in on yet
  std::uint32_t max_unauthenticated_per_address = 0;
  std::uint32_t max_sessions = 0;  // connections, logged in or not
  std::uint32_t max_sessions_per_address = 0;
  std::vector<Network> trusted;                     // no cap counts there by address, and no penalty
  std::optional<std::filesystem::path> users_file;  // nothing: state/users.yaml in the depot
  std::vector<User> users;
};

using Uploads = storage::UploadLimits;

// The key `import`.
struct Import : storage::ImportSettings {
  bool watch = true;
  std::chrono::seconds settle{0};
  std::uint32_t keep = 0;
  bool keep_bundles = false;
  std::uint32_t max_rejected = 0;  // files in rejected/, without their reasons
  friend bool operator==(const Import&, const Import&) = default;
};

// The key `syslog`.
struct Syslog {
  std::vector<Endpoint> listen;
  std::vector<Network> allow;              // empty: nobody
  std::uint32_t max_lines_per_second = 0;  // from one address
  std::uint32_t max_lines_per_second_in_all = 0;
};

// The key `http`.
struct Http {
  std::vector<HttpEndpoint> listen;
  bool index = true;                                // whether a folder's names are told
  std::vector<Endpoint> endpoints() const;          // all of `listen`
  std::vector<Endpoint> endpoints(bool tls) const;  // those with TLS, or without
};

// The key `metrics`.
struct Metrics {
  std::vector<Endpoint> listen;
};

// The key `web`. Its certificate and key serve `http` too.
struct Web {
  std::vector<Endpoint> listen;
  std::optional<std::filesystem::path> certificate, key;  // nothing: made by the server
  std::vector<std::string> names;                         // host names that it is reached by
  std::vector<Network> proxies;                           // whose X-Forwarded-For and -Proto are believed
  bool hsts = false;
};

// The key `history`.
struct History {
  std::uint32_t days = 0;  // 0: none is kept
  std::uint64_t size = 0;  // bytes
};

// How much is logged: each level holds the ones before it.
enum class LogLevel { quiet, normal, verbose, debug };
// Lines as tftpd-hpa and sshd write them, or JSON.
enum class LogFormat { classic, json };
// Where lines go. "automatic": the journal under systemd, else stderr.
enum class LogTarget { automatic, stderr_stream, journal, syslog, file };

// The key `log.target`.
struct LogDestination {
  LogTarget target = LogTarget::automatic;
  std::filesystem::path file;  // for LogTarget::file
};

// The key `log`.
struct Log {
  LogLevel level = LogLevel::verbose;
  LogFormat format = LogFormat::classic;
  LogDestination destination;
  std::uint64_t max_size = 0;  // bytes of that file; then it becomes FILE.1 and a new one begins
};

// The whole configuration.
struct Settings {
  std::filesystem::path depot;
  std::optional<std::string> user;  // whom a server that root starts runs as
  Tftp tftp;
  Ssh ssh;
  Uploads uploads;
  Import import;
  storage::LookupSettings lookup;
  Log log;
  Syslog syslog;
  Http http;
  Metrics metrics;
  Web web;
  History history;
  std::vector<Network> expected;  // where devices are that should have asked for something
  std::chrono::seconds drain{0};
};

}  // namespace conf
