#include "conf/load.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "conf/print.hpp"
#include "storage/files/path_text.hpp"
#include "tests/support/temp_dir.hpp"

using conf::Endpoint;
using conf::LogTarget;
using namespace std::chrono_literals;

namespace {

constexpr const char* public_key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhUkl8W5nicXxcNpK/sTqp2KmJYkjQHxndXEXhX1L1C";
constexpr const char* hash = "$scrypt$ln=14,r=8,p=5$c2FsdHNhbHQ$aGFzaGhhc2g=";

conf::Settings load(const std::string& text) { return conf::load_text(text, "apdepot.yaml").settings; }

conf::Network network(std::string_view text) { return conf::parse_network(text).value(); }

storage::Path path(std::string_view text) { return storage::Path::parse(text).value(); }

// What is said about a text that cannot be loaded; empty for one that can.
std::string error_of(const std::string& text) try {
  load(text);
  return "";
} catch (const conf::ConfigError& error) {
  return error.what();
}

std::string user(const std::string& lines) { return "ssh:\n  users:\n    - name: ewc\n" + lines; }

}  // namespace

TEST_CASE("the defaults are those of the annotated example, every one of them") {
  const auto loaded = conf::load_defaults();
  const auto& settings = loaded.settings;
  CHECK(loaded.warnings.empty());
  CHECK(settings.depot == "/var/lib/apdepot");
  CHECK_FALSE(settings.user);
  CHECK(settings.tftp.listen == std::vector<Endpoint>{{"0.0.0.0", 69}, {"::", 69}});
  CHECK_FALSE(settings.tftp.uploads);
  CHECK_FALSE(settings.tftp.read_uploads);
  CHECK(settings.tftp.max_upload == 2ULL << 30);
  CHECK(settings.tftp.max_block_size == 65464);
  CHECK(settings.tftp.max_window == 64);
  CHECK_FALSE(settings.tftp.port_range);
  CHECK_FALSE(settings.tftp.single_port);
  CHECK(settings.tftp.max_transfers == 5000);
  CHECK(settings.tftp.max_transfers_per_address == 2000);
  CHECK(settings.tftp.max_requests_per_second == 1000);
  CHECK(settings.tftp.allow.empty());
  CHECK(settings.tftp.deny.empty());
  CHECK(settings.ssh.listen == std::vector<Endpoint>{{"0.0.0.0", 22}, {"::", 22}});
  CHECK(settings.ssh.compatibility == conf::Compatibility::modern);
  CHECK(settings.ssh.kex.empty());
  CHECK(settings.ssh.host_key_algorithms.empty());
  CHECK(settings.ssh.ciphers.empty());
  CHECK(settings.ssh.macs.empty());
  CHECK(settings.ssh.login_grace == 60s);
  CHECK(settings.ssh.max_unauthenticated == conf::EarlyDrop{100, 30, 300});
  CHECK(settings.ssh.max_unauthenticated_per_address == 50);
  CHECK(settings.ssh.max_sessions == 2000);
  CHECK(settings.ssh.max_sessions_per_address == 1000);
  CHECK(settings.ssh.trusted.empty());
  CHECK_FALSE(settings.ssh.users_file);
  CHECK(settings.ssh.users.empty());
  CHECK(settings.uploads.max_total == 20ULL << 30);
  CHECK(settings.uploads.max_files == 10'000);
  CHECK(settings.uploads.max_folders == 1000);
  CHECK(settings.uploads.reserve == 256ULL << 20);
  CHECK(settings.import.watch);
  CHECK(settings.import.layout == "{product}/{release}");
  CHECK(settings.import.settle == 2s);
  CHECK(settings.import.keep == 0);
  CHECK_FALSE(settings.import.keep_bundles);
  CHECK(settings.import.max_rejected == 1000);
  CHECK(settings.import.max_members == 10'000);
  CHECK(settings.import.max_total == 16ULL << 30);
  CHECK(settings.import.max_ratio == 200);
  CHECK(settings.lookup.forgiving);
  CHECK(settings.lookup.aliases.empty());
  CHECK(settings.log.level == conf::LogLevel::verbose);
  CHECK(settings.log.format == conf::LogFormat::classic);
  CHECK(settings.log.destination.target == LogTarget::automatic);
  CHECK(settings.log.max_size == 256ULL << 20);
  CHECK(settings.drain == 30s);
}

TEST_CASE("every key can be set, and says what it was set to") {
  const auto settings = load(R"(
depot: depot
user: tftp
uploads: {max_total: 1GiB, max_files: 1, max_folders: 2, reserve: 1}
tftp:
  listen: ["10.0.0.1:6969"]
  uploads: true
  read_uploads: true
  max_upload: 1
  max_block_size: 512
  max_window: 1
  port_range: 5000-5000
  single_port: false
  max_transfers: 1000000
  max_transfers_per_address: 1
  max_requests_per_second: 7
  allow: [10.0.0.0/8, "2001:db8::/32"]
  deny: [10.0.0.1]
ssh:
  listen: ["[fe80::1%eth0]:2222"]
  compatibility: legacy
  users_file: users.yaml
import:
  watch: false
  layout: "images-{release}"
  settle: 3600
  keep: 3
  keep_bundles: true
  max_rejected: 3
  max_members: 1
  max_total: 500MiB
  max_ratio: 1000000
lookup: {forgiving: false, aliases: {/tftpboot: /EWC/17_9_4a, /old/: /}}
log: {level: debug, format: json, target: "file:/var/log/apdepot.log", max_size: 1MiB}
expected: [192.0.2.7, 10.0.0.0/8]
drain: 0
)");
  CHECK(settings.depot == "depot");
  CHECK(settings.user == "tftp");
  CHECK(settings.uploads.max_total == 1ULL << 30);
  CHECK(settings.uploads.max_files == 1);
  CHECK(settings.uploads.max_folders == 2);
  CHECK(settings.uploads.reserve == 1);
  CHECK(settings.tftp.listen == std::vector<Endpoint>{{"10.0.0.1", 6969}});
  CHECK(settings.tftp.uploads);
  CHECK(settings.tftp.read_uploads);
  CHECK(settings.tftp.max_upload == 1);
  CHECK(settings.tftp.max_block_size == 512);
  CHECK(settings.tftp.max_window == 1);
  REQUIRE(settings.tftp.port_range);
  CHECK(settings.tftp.port_range->first == 5000);
  CHECK(settings.tftp.port_range->last == 5000);
  CHECK_FALSE(settings.tftp.single_port);
  CHECK(settings.tftp.max_transfers == 1'000'000);
  CHECK(settings.tftp.max_transfers_per_address == 1);
  CHECK(settings.tftp.max_requests_per_second == 7);
  CHECK(settings.tftp.allow == std::vector{network("10.0.0.0/8"), network("2001:db8::/32")});
  CHECK(settings.tftp.deny == std::vector{network("10.0.0.1")});
  CHECK(settings.ssh.listen == std::vector<Endpoint>{{"fe80::1%eth0", 2222}});
  CHECK(settings.ssh.compatibility == conf::Compatibility::legacy);
  CHECK(settings.ssh.users_file == "users.yaml");
  CHECK_FALSE(settings.import.watch);
  CHECK(settings.import.layout == "images-{release}");
  CHECK(settings.import.settle == 3600s);
  CHECK(settings.import.keep == 3);
  CHECK(settings.import.keep_bundles);
  CHECK(settings.import.max_rejected == 3);
  CHECK(settings.import.max_members == 1);
  CHECK(settings.import.max_total == 500ULL << 20);
  CHECK(settings.import.max_ratio == 1'000'000);
  CHECK_FALSE(settings.lookup.forgiving);
  CHECK(settings.lookup.aliases ==
        std::vector<storage::Alias>{{path("/tftpboot"), path("/EWC/17_9_4a")}, {path("/old"), path("/")}});
  CHECK(settings.log.level == conf::LogLevel::debug);
  CHECK(settings.log.format == conf::LogFormat::json);
  CHECK(settings.log.destination.target == LogTarget::file);
  CHECK(settings.log.destination.file == "/var/log/apdepot.log");
  CHECK(settings.log.max_size == 1ULL << 20);
  CHECK(settings.expected == std::vector{network("192.0.2.7"), network("10.0.0.0/8")});
  CHECK(settings.drain == 0s);
}

TEST_CASE("what a file does not say keeps its default") {
  const auto defaults = conf::to_yaml(conf::load_defaults().settings);
  for (const auto text :
       {"", "# nothing but a comment\n", "---\n", "tftp:\nssh:\nimport:\nlog:\n", "\xef\xbb\xbf# BOM\r\n"}) {
    CAPTURE(text);
    CHECK(conf::to_yaml(load(text)) == defaults);
  }
  const auto settings = load("\xef\xbb\xbftftp:\r\n  max_window: 8\r\n");
  CHECK(settings.tftp.max_window == 8);
  CHECK(settings.tftp.max_block_size == 65464);
}

TEST_CASE("null gives an optional key its absence back") {
  const auto settings = load("tftp: {port_range: null}\nssh: {users_file: ~}\n");
  CHECK_FALSE(settings.tftp.port_range);
  CHECK_FALSE(settings.ssh.users_file);
}

TEST_CASE("a value that is wrong is named with file, line and key, and what to write instead") {
  struct Row {
    const char *text, *error;
  };
  for (const auto& [text, error] : {
           Row{"tftp:\n  max_window: 70000\n", "2: tftp.max_window: 70000 is out of range 1 to 65535"},
           {"tftp: {max_window: 0}", "1: tftp.max_window: 0 is out of range 1 to 65535"},
           {"tftp: {max_window: abc}",
            "1: tftp.max_window: must be a whole number from 1 to 65535, not \"abc\""},
           {"tftp: {max_window: 1.5}",
            "1: tftp.max_window: must be a whole number from 1 to 65535, not \"1.5\""},
           {"tftp: {max_window: [1]}",
            "1: tftp.max_window: must be a whole number from 1 to 65535, not a list"},
           {"tftp: {max_window: {a: 1}}",
            "1: tftp.max_window: must be a whole number from 1 to 65535, not keys with values"},
           {"drain:", "1: drain: must be a whole number from 0 to 86400, not empty"},
           {"drain: -1", "1: drain: -1 is out of range 0 to 86400"},
           {"drain: 86401", "1: drain: 86401 is out of range 0 to 86400"},
           {"drain: 18446744073709551646", "1: drain: 18446744073709551646 is out of range 0 to 86400"},
           {"tftp: {max_block_size: 7}", "1: tftp.max_block_size: 7 is out of range 8 to 65464"},
           {"tftp: {max_block_size: 65465}", "1: tftp.max_block_size: 65465 is out of range 8 to 65464"},
           {"tftp: {max_transfers: 0}", "1: tftp.max_transfers: 0 is out of range 1 to 1000000"},
           {"tftp: {max_transfers_per_address: 1000001}",
            "1: tftp.max_transfers_per_address: 1000001 is out of range 1 to 1000000"},
           {"tftp: {max_requests_per_second: 0}",
            "1: tftp.max_requests_per_second: 0 is out of range 1 to 1000000"},
           {"tftp: {max_upload: 0}",
            "1: tftp.max_upload: must be a size of at least 1 byte: a number of bytes, or with KiB, MiB, GiB "
            "or TiB, such as 16GiB, not \"0\""},
           {"tftp: {single_port: 1}", "1: tftp.single_port: must be true or false, not \"1\""},
           {"import: {settle: 3601}", "1: import.settle: 3601 is out of range 0 to 3600"},
           {"import: {keep: 1000001}", "1: import.keep: 1000001 is out of range 0 to 1000000"},
           {"import: {max_members: 0}", "1: import.max_members: 0 is out of range 1 to 10000000"},
           {"import: {max_members: 10000001}",
            "1: import.max_members: 10000001 is out of range 1 to 10000000"},
           {"import: {max_ratio: 0}", "1: import.max_ratio: 0 is out of range 1 to 1000000"},
           {"import: {max_ratio: 1000001}", "1: import.max_ratio: 1000001 is out of range 1 to 1000000"},
           {"tftp: {uploads: yes}", "1: tftp.uploads: must be true or false, not \"yes\""},
           {"lookup:\n  forgiving: [true]\n", "2: lookup.forgiving: must be true or false, not a list"},
           {"ssh: {compatibility: old}", "1: ssh.compatibility: must be modern or legacy, not \"old\""},
           {"log: {level: loud}", "1: log.level: must be quiet, normal, verbose or debug, not \"loud\""},
           {"log: {format: xml}", "1: log.format: must be classic or json, not \"xml\""},
           {"log: {target: eventlog}",
            "1: log.target: must be auto, stderr, journal, syslog or file:PATH, where PATH is whole "
            "and without \"~\", not "
            "\"eventlog\""},
           {"depot: ''", "1: depot: must be a path, such as /srv/apdepot/depot, not \"\""},
           {"depot: [/a]", "1: depot: must be a path, such as /srv/apdepot/depot, not a list"},
           {"depot: ~", "1: depot: must be a path, such as /srv/apdepot/depot, not empty"},
           {"depot: ~/x",
            "1: depot: must be a path, such as /srv/apdepot/depot, not \"~/x\"; \"~\" stands for a home "
            "directory in a "
            "shell only: write the whole path"},
           {"tftp: {listen: ['127.0.0.1:69', '0.0.0.0:69']}",
            "1: tftp.listen: 127.0.0.1:69 is part of 0.0.0.0:69 already; leave one of the two out"},
           {"tftp:\n  deny:\n  - 10.0.0.1\n  - [10.0.0.2]\n",
            "4: tftp.deny[1]: must be a network or one address, such as \"192.0.2.0/24\", \"2001:db8::/32\" "
            "or "
            "\"192.0.2.7\", not a list"},
           {"tftp: {listen: '0.0.0.0:69'}",
            "1: tftp.listen: must be a list in brackets or with dashes, [] for none"},
           {"ssh:\n  users:\n",
            "2: ssh.users: must be a list in brackets or with dashes, [] for none, not empty"},
           {"import: [watch]", "1: import: must be keys with values, indented below it, not a list"},
           {"import: watch", "1: import: must be keys with values, indented below it"},
           {"tftp: {listen: [9469]}",
            "1: tftp.listen[0]: must be \"ADDRESS:PORT\" in quotes, such as \"0.0.0.0:69\" or \"[::]:69\" "
            "(an address, "
            "never a name; port 0 to 65535), not \"9469\""},
           {"drain: \"\\e[2J\"", "1: drain: must be a whole number from 0 to 86400, not \"\\x1b[2J\""},
       }) {
    CAPTURE(text);
    CHECK(error_of(text) == std::string("apdepot.yaml:") + error);
  }
}

TEST_CASE("every mistake in a file is told at once, in the order of the lines") {
  CHECK(error_of("drain: x\nlog:\n  level: loud\n  levle: quiet\ntftp:\n  uploads: 1\n") ==
        "apdepot.yaml:1: drain: must be a whole number from 0 to 86400, not \"x\"\n"
        "apdepot.yaml:3: log.level: must be quiet, normal, verbose or debug, not \"loud\"\n"
        "apdepot.yaml:4: log.levle is not a key; did you mean log.level?\n"
        "apdepot.yaml:6: tftp.uploads: must be true or false, not \"1\"");
}

TEST_CASE("an unknown key names the nearest key, or the keys that there are") {
  struct Row {
    const char *text, *error;
  };
  for (const auto& [text, error] : {
           Row{"tftp:\n  max_windw: 5\n", "2: tftp.max_windw is not a key; did you mean tftp.max_window?"},
           {"tfpt: {}", "1: tfpt is not a key; did you mean tftp?"},
           {"import: {keep-bundles: true}",
            "1: import.keep-bundles is not a key; did you mean import.keep_bundles?"},
           {"tftp:\nmax_window: 5\n", "2: max_window is not a key; did you mean tftp.max_window?"},
           {"listen: []",
            "1: listen is not a key; did you mean tftp.listen or ssh.listen or syslog.listen or "
            "http.listen or metrics.listen or web.listen?"},
           {"aliases: {}", "1: aliases is not a key; did you mean lookup.aliases?"},
           {"lookup: {alias: {}}", "1: lookup.alias is not a key; did you mean lookup.aliases?"},
           {"tftp: {max_transfer: 5}", "1: tftp.max_transfer is not a key; did you mean tftp.max_transfers?"},
           {"tftp: {alow: []}", "1: tftp.alow is not a key; did you mean tftp.allow?"},
           {"servers: {}",
            "1: servers is not a key; the keys of the file are depot, user, tftp, ssh, uploads, import, "
            "lookup, log, syslog, http, metrics, web, history, expected, drain"},
           {"log: {colour: true}",
            "1: log.colour is not a key; the keys of log are level, format, target, max_size"},
           {"\"a\\nb\": 1",
            "1: \"a\\nb\" is not a key; the keys of the file are depot, user, tftp, ssh, uploads, import, "
            "lookup, log, syslog, http, metrics, web, history, expected, drain"},
           {"? [a]\n: 1\n", "1: a key must be a plain word"},
           {"tftp: {1: 2, ~: 3}",
            "1: tftp: a key must be a plain word\n"
            "apdepot.yaml:1: tftp.1 is not a key; the keys of tftp are listen, uploads, read_uploads, "
            "max_upload, "
            "max_block_size, max_window, port_range, single_port, max_transfers, max_transfers_per_address, "
            "max_requests_per_second, allow, deny"},
       }) {
    CAPTURE(text);
    CHECK(error_of(text) == std::string("apdepot.yaml:") + error);
  }
}

TEST_CASE("a key that is given twice is an error that shows both places") {
  CHECK(error_of("tftp:\n  max_window: 5\n\n  max_window: 5\n") ==
        "apdepot.yaml:4: tftp.max_window is given twice; it stands in line 2 already");
  CHECK(error_of("log:\ndrain: 3\nlog:\n") ==
        "apdepot.yaml:3: log is given twice; it stands in line 1 already");
}

TEST_CASE("what is no YAML is said with its line") {
  struct Row {
    std::string text;
    const char* begins;
  };
  for (const auto& [text, begins] : {
           Row{"drain: 3\ntftp: {listen: [\n",
               "apdepot.yaml:3: is not YAML: end of sequence flow not found; look at"},
           {"drain: 3\n  uploads: true\n", "apdepot.yaml:2: is not YAML: illegal map value; look at"},
           {"tftp:\n\tmax_window: 3\n", "apdepot.yaml:2: is indented with a tab; use spaces"},
           {"drain: *hunter2", "apdepot.yaml:1: is not YAML: the referenced anchor is not defined; look at"},
           {"drain: 1\n---\ndrain: 2\n", "apdepot.yaml:2: a second document begins here"},
           {"drain: \"\\q\"\n", "apdepot.yaml:1: is not YAML: unknown escape character; look at"},
           {",drain: 3\n", "apdepot.yaml:1: a second document begins here; remove"},
           {"- drain: 3\n", "apdepot.yaml:1: must be keys with values, such as \"drain: 30\""},
           {"# hello\ndrain\n", "apdepot.yaml:2: must be keys with values, such as \"drain: 30\""},
           {"drain: 3\n\x04\ntftp: {}\n",
            "apdepot.yaml:2: holds the byte 0x04; save the file as plain text in UTF-8"},
           {std::string("\xff\xfe"
                        "d\0r\0",
                        6),
            "apdepot.yaml:1: holds the byte 0x00; save the file"},
           {std::string(100'000, '['), "apdepot.yaml:1: is not YAML: "},
       }) {
    CAPTURE(text.substr(0, 40));
    const auto error = error_of(text);
    CAPTURE(error);
    CHECK(error.starts_with(begins));
    CHECK(error.find('\n') == error.npos);
    CHECK(error.find("hunter2") == error.npos);
  }
}

TEST_CASE("an address to listen on is a literal with a port") {
  for (const std::string text :
       {"0.0.0.0:69", "10.1.2.3:0", "[::]:65535", "[2001:db8::1]:69", "[fe80::1%eth0]:69"}) {
    CAPTURE(text);
    const auto endpoint = conf::parse_endpoint(text);
    REQUIRE(endpoint);
    CHECK(endpoint->text() == text);
  }
  using namespace std::string_view_literals;
  for (const auto text : std::initializer_list<std::string_view>{"",
                                                                 ":",
                                                                 "0.0.0.0",
                                                                 "0.0.0.0:",
                                                                 ":69",
                                                                 "localhost:69",
                                                                 "0.0.0.0:65536",
                                                                 "0.0.0.0:-1",
                                                                 "0.0.0.0:+1",
                                                                 "0.0.0.0: 69",
                                                                 " 0.0.0.0:69",
                                                                 "0.0.0.0:69 ",
                                                                 "1.2.3:69",
                                                                 "01.2.3.4:69",
                                                                 "::1:69",
                                                                 "[0.0.0.0]:69",
                                                                 "[]:69",
                                                                 "[::1:69",
                                                                 "::1]:69",
                                                                 "[::1]",
                                                                 "[fe80::1%]:69",
                                                                 "[fe80::1%e h]:69",
                                                                 "[fe80::1%aaaaaaaaaaaaaaaa]:69",
                                                                 "10.0.0.1%eth0:69",
                                                                 "10.0.0.1\0:69"sv}) {
    CAPTURE(text);
    CHECK_FALSE(conf::parse_endpoint(text));
  }
}

TEST_CASE("HTTP's addresses may have TLS") {
  const auto http = load("http: {listen: ['0.0.0.0:80', 'http://[::]:80', 'https://0.0.0.0:443']}").http;
  CHECK(http.endpoints(false) == std::vector<Endpoint>{{"0.0.0.0", 80}, {"::", 80}});
  CHECK(http.endpoints(true) == std::vector<Endpoint>{{"0.0.0.0", 443}});
  CHECK(http.listen.back().text() == "https://0.0.0.0:443");
  CHECK(http.index);
  CHECK(error_of("http: {listen: ['0.0.0.0:80', 'https://0.0.0.0:80']}").find("given twice") !=
        std::string::npos);
  CHECK(error_of("http: {listen: ['ftp://0.0.0.0:80']}") != "");
  CHECK(error_of("http: {listen: ['images.example:80']}") != "");
}

TEST_CASE("an empty list switches a protocol off, and both are doubtful") {
  CHECK(load("tftp: {listen: []}").tftp.listen.empty());
  CHECK(load("ssh: {listen: []}").ssh.listen.empty());
  const auto both = conf::load_text("drain: 1\ntftp: {listen: []}\nssh: {listen: []}\n", "apdepot.yaml");
  CHECK(both.warnings ==
        std::vector<std::string>{
            "apdepot.yaml:2: tftp: tftp.listen, ssh.listen and http.listen are all empty: nothing is served "
            "but what systemd's socket units open"});
}

TEST_CASE("a range of ports goes from a first to a last") {
  const auto range = load("tftp: {port_range: 49152-49251}").tftp.port_range;
  REQUIRE(range);
  CHECK(range->first == 49152);
  CHECK(range->last == 49251);
  for (const std::string text :
       {"5000", "5000-", "-5000", "2-1", "0-5", "1-65536", "1 - 5", "1-5-9", "a-b"}) {
    CAPTURE(text);
    CHECK(error_of("tftp: {port_range: '" + text + "'}") ==
          "apdepot.yaml:1: tftp.port_range: must be \"FIRST-LAST\", such as \"49152-49251\", within 1 to "
          "65535, or "
          "null, not \"" +
              text + "\"");
  }
}

TEST_CASE("a range of ports has no effect on transfers that share one port, which is said") {
  const auto warnings = [](const char* text) { return conf::load_text(text, "apdepot.yaml").warnings; };
  CHECK(warnings("tftp:\n  single_port: true\n  port_range: 5000-5001\n") ==
        std::vector<std::string>{
            "apdepot.yaml:3: tftp.port_range: has no effect while tftp.single_port is true"});
  CHECK(warnings("tftp: {single_port: true, port_range: null}").empty());
  CHECK(warnings("tftp: {single_port: false, port_range: 5000-5001}").empty());
}

TEST_CASE("uploads over one port for all are refused, with the reason") {
  CHECK(load("tftp: {single_port: true}").tftp.single_port);
  CHECK(error_of("tftp:\n  single_port: true\n  uploads: true\n")
            .contains("tftp.uploads: cannot be true while tftp.single_port is true: whoever forges an "
                      "allowed address could "
                      "upload in its name"));
}

TEST_CASE("a network that is none names the form, and the network meant") {
  CHECK(error_of("tftp:\n  allow: []\n  deny:\n    - 10.0.0.0/8\n    - 10.0.0.0/33\n") ==
        "apdepot.yaml:5: tftp.deny[1]: must be a network or one address, such as \"192.0.2.0/24\", "
        "\"2001:db8::/32\" or \"192.0.2.7\", not \"10.0.0.0/33\"");
  CHECK(error_of("tftp: {allow: [10.1.2.3/8]}") ==
        "apdepot.yaml:1: tftp.allow[0]: must be a network or one address, such as \"192.0.2.0/24\", "
        "\"2001:db8::/32\" or \"192.0.2.7\", not \"10.1.2.3/8\"; the network is \"10.0.0.0/8\"");
  CHECK(error_of("tftp: {allow: [[10.0.0.0/8]]}").ends_with("not a list"));
  CHECK(error_of("tftp: {allow: 10.0.0.0/8}") ==
        "apdepot.yaml:1: tftp.allow: must be a list in brackets or with dashes, [] for none");
}

TEST_CASE("aliases stay in the order of the file, and nothing below the key means none") {
  const auto aliases = load("lookup:\n  aliases:\n    /b: /x\n    /a/./c: /y/\n").lookup.aliases;
  CHECK(aliases == std::vector<storage::Alias>{{path("/b"), path("/x")}, {path("/a/c"), path("/y")}});
  CHECK(load("lookup: {aliases: {}}").lookup.aliases.empty());
  CHECK(load("lookup:\n  aliases:\n").lookup.aliases.empty());
}

TEST_CASE("an alias has an absolute path on both sides, and stands there once") {
  struct Row {
    const char *text, *error;
  };
  const std::string absolute =
      ": must be an absolute path without backslash or colon, such as \"/EWC/17_9_4a\", not ";
  for (const auto& [text, error] : {Row{"a: /b", "2: a key of lookup.aliases?\"a\""},
                                    {"/a: b", "2: lookup.aliases./a?\"b\""},
                                    {"/a: ''", "2: lookup.aliases./a?\"\""},
                                    {"/a:", "2: lookup.aliases./a?empty"},
                                    {"/a: [/b]", "2: lookup.aliases./a?a list"},
                                    {"/a: '/b:c'", "2: lookup.aliases./a?\"/b:c\""},
                                    {"/a: /..", "2: lookup.aliases./a?\"/..\""},
                                    {"'/a\\b': /c", "2: a key of lookup.aliases?\"/a\\\\b\""}}) {
    CAPTURE(text);
    const std::string_view expected = error;
    const auto gap = expected.find('?');
    CHECK(error_of(std::string("lookup: {aliases: {\n") + text + "}}") ==
          fmt::format("apdepot.yaml:{}{}{}", expected.substr(0, gap), absolute, expected.substr(gap + 1)));
  }
  CHECK(error_of("lookup:\n  aliases:\n    /a: /b\n    /a: /c\n") ==
        "apdepot.yaml:4: lookup.aliases./a is given twice; it stands in line 3 already");
  CHECK(error_of("lookup:\n  aliases:\n    /a: /b\n    /a/: /c\n") ==
        "apdepot.yaml:4: lookup.aliases./a/: is given twice, in another spelling");
  CHECK(error_of("lookup: {aliases: [/a]}") ==
        "apdepot.yaml:1: lookup.aliases: must be keys with values, indented below it, not a list");
}

TEST_CASE("a size has a binary unit or none") {
  struct Row {
    const char* text;
    std::uint64_t bytes;
  };
  for (const auto& [text, bytes] : {Row{"1", 1},
                                    {"4096", 4096},
                                    {"3KiB", 3072},
                                    {"500MiB", 500ULL << 20},
                                    {"16GiB", 16ULL << 30},
                                    {"2TiB", 2ULL << 40},
                                    {"18446744073709551615", ~0ULL}}) {
    CAPTURE(text);
    CHECK(load(std::string("import: {max_total: ") + text + "}").import.max_total == bytes);
  }
  for (const std::string text : {"0", "0GiB", "16GB", "16 GiB", "16gib", "GiB", "-1", "1.5GiB", "16777217TiB",
                                 "18446744073709551616"}) {
    CAPTURE(text);
    CHECK(error_of("import: {max_total: " + text + "}") ==
          "apdepot.yaml:1: import.max_total: must be a size of at least 1 byte: a number of bytes, or with "
          "KiB, MiB, "
          "GiB or TiB, such as 16GiB, not \"" +
              text + "\"");
  }
}

TEST_CASE("a layout stays below images/ and has a place for the release") {
  for (const std::string text :
       {"{release}", "{product}/{release}", "ap/{product}-{release}", "{release}/{release}"}) {
    CAPTURE(text);
    CHECK(load("import: {layout: '" + text + "'}").import.layout == text);
  }
  for (const std::string text :
       {"", "{product}", "/{release}", "../{release}", "{product}/../{release}", "{release}/{vendor}",
        "{release}/{", "}{release}", "{{release}}", "a\\{release}"}) {
    CAPTURE(text);
    CHECK(error_of("import: {layout: '" + text + "'}")
              .starts_with("apdepot.yaml:1: import.layout: must be a relative path with {release} and, if "
                           "you like, {product}, such as"));
  }
}

TEST_CASE("the log goes to one of the named targets or to a file") {
  using enum LogTarget;
  struct Row {
    const char* text;
    LogTarget target;
  };
  for (const auto& [text, target] : {Row{"auto", automatic},
                                     {"stderr", stderr_stream},
                                     {"journal", journal},
                                     {"syslog", syslog},
                                     {"file:log", file}}) {
    CAPTURE(text);
    CHECK(load(std::string("log: {target: '") + text + "'}").log.destination.target == target);
  }
  CHECK_FALSE(error_of("log: {target: 'file:'}").empty());
  CHECK_FALSE(error_of("log: {target: /var/log/apdepot}").empty());
}

TEST_CASE("users may stand in the configuration") {
  const auto users = load(user(std::string("      password_hash: ") + hash + "\n      authorized_keys: [\"" +
                               public_key + " a b\"]\n      root: /EWC\n      uploads: true\n") +
                          "    - {name: key.only, authorized_keys: [\"" + public_key + "\"]}\n")
                         .ssh.users;
  REQUIRE(users.size() == 2);
  CHECK(users[0].name == "ewc");
  CHECK(users[0].password_hash == hash);
  CHECK(users[0].authorized_keys == std::vector<std::string>{std::string(public_key) + " a b"});
  CHECK(users[0].root == "/EWC");
  CHECK(users[0].uploads);
  CHECK(users[1].name == "key.only");
  CHECK(users[1].password_hash.empty());
  CHECK(users[1].root == "/");
  CHECK_FALSE(users[1].uploads);
}

TEST_CASE("a user that could not log in, or that is there twice, is an error") {
  CHECK(error_of(user("")) ==
        "apdepot.yaml:3: ssh.users[0]: has neither password_hash nor authorized_keys, so nobody could log "
        "in; apdepot "
        "user passwd NAME makes a hash");
  CHECK(error_of(user("      authorized_keys: []\n")).find("has neither") != std::string::npos);
  const auto key = std::string("authorized_keys: [\"") + public_key + "\"]";
  CHECK(error_of("ssh:\n  users:\n    - " + key) == "apdepot.yaml:3: ssh.users[0]: needs a name");
  CHECK(error_of(user("      " + key + "\n    -\n      " + key + "\n      name: ewc\n")) ==
        "apdepot.yaml:7: ssh.users[1].name: there is a user ewc already; a name may stand here once");
  CHECK(error_of(user("      root: EWC\n      " + key)) ==
        "apdepot.yaml:4: ssh.users[0].root: must be a folder of images/ that begins with \"/\" and holds no "
        "\"..\"");
  CHECK_FALSE(error_of(user("      root: /../etc\n      " + key)).empty());
}

TEST_CASE("a password in place of its hash is refused, and no message repeats a secret") {
  const std::string wanted =
      "apdepot.yaml:4: ssh.users[0].password_hash: must be a hash, $scrypt$ln=14,r=8,p=5$SALT$HASH, never "
      "the password "
      "itself; make it with: apdepot user passwd NAME";
  for (const std::string text :
       {"hunter2", "'$scrypt$hunter2'", "'$scrypt$ln=14,r=8,p=5$hunter2'", "'$scrypt$ln=14,r=8,p=5$hunter2$'",
        "'$scrypt$ln=14,r=8,p=5$hunter2$hunter2$hunter2'", "'$scrypt$ln=14,r=8,p=$hunter2$hunter2'",
        "'$scrypt$ln=14,r=8,p=5,q=1$hunter2$hunter2'", "'$scrypt$ln=9999999999,r=8,p=5$hunter2$hunter2'",
        "'$scrypt$ln=14,r=8,p=5$hun ter2$hunter2'", "'$scrypt$ln=14,r=8,p=5$hunter2$hunter2==='",
        "'$6$hunter2$hunter2'", "''"}) {
    CAPTURE(text);
    CHECK(error_of(user("      password_hash: " + text)) == wanted);
  }
  CHECK(error_of(std::string("ssh: {users: [{name: a, password_hash: '") + hash + "', b, c}]}") ==
        "apdepot.yaml:1: ssh.users[0]: holds a word that is no key; a colon needs a blank after it, and a "
        "text "
        "with a comma quotes");
  for (const std::string text :
       {"ssh: {users: [{name: a, password_hash: x,hunter2}]}",
        "ssh: {users: [{name: a, password_hash: x,hunter2,hunter2}]}", "ssh: {users: [hunter2]}",
        "ssh: {users: hunter2}", "ssh: {users: [{name: a, password: hunter2}]}",
        "ssh: {users: [{name: a, password_hash: [hunter2]}]}",
        "ssh: {users: [{name: a, password_hash:hunter2}]}",
        "ssh:\n  users:\n    - name: a\n      password_hash:hunter2\n",
        "ssh: {users: [{name: a, authorized_keys: ['hunter2']}]}",
        "ssh: {users: [{name: a, authorized_keys: hunter2}]}"}) {
    CAPTURE(text);
    const auto error = error_of(text);
    CHECK(error.starts_with("apdepot.yaml:"));
    CHECK(error.find("hunter2") == error.npos);
  }
}

TEST_CASE(
    "an authorized key may have from= and restrict; another option is told of, and no more of the line") {
  const auto keys = [](const std::string& options) {
    return error_of(std::string("ssh:\n  users:\n    - name: a\n      authorized_keys: ['") + public_key +
                    "', '" + options + " " + public_key + "']\n");
  };
  CHECK(keys("from=\"192.0.2.0/24,!192.0.2.7\",restrict") == "");
  CHECK(keys("no-pty,command=\"hunter2\"") ==
        "apdepot.yaml:4: ssh.users[0].authorized_keys: in key 2, the option command is not honoured, only "
        "from=\"PATTERN,...\", restrict, no-pty, no-port-forwarding, no-X11-forwarding, no-agent-forwarding, "
        "no-user-rc and command=\"internal-sftp\" are; take it away if the key may be used without");
  CHECK(keys("no-pty,command=\"internal-sftp\"") == "");
  CHECK(keys("hunter2").find("in key 2, the option before it is not honoured") != std::string::npos);
  CHECK(keys("from=\"10.1.2.3/8\"").find("in key 2, from= must be given once") != std::string::npos);
  for (const std::string options : {"hunter2", "hunter2=\"x\"", "command=\"hunter2\"", "from=\"hunter2\""})
    CHECK(keys(options).find("hunter2") == std::string::npos);
}

TEST_CASE("an algorithm that the server does not offer is an error, with what was meant") {
  CHECK(
      load(
          "ssh: {kex: [ecdh-sha2-nistp256], ciphers: [aes128-cbc], macs: [], host_key_algorithms: [ssh-rsa]}")
          .ssh.ciphers == std::vector<std::string>{"aes128-cbc"});
  const std::pair<const char*, const char*> wrong[] = {
      {"kex: [curve25519-sha265]",
       "ssh.kex[0]: must be the name of a key exchange that this server knows, not \"curve25519-sha265\"; "
       "did you mean "
       "curve25519-sha256?"},
      {"kex: [diffie-hellman-group18-sha512]",
       "; that one is never offered: one handshake would hold up everybody"},
      {"kex: [hmac-sha2-256]", "; there are curve25519-sha256, "},
      {"ciphers: [aes256-ctr, 3des-cbc]",
       "ssh.ciphers[1]: must be the name of a cipher that this server knows, not "
       "\"3des-cbc\"; that one is never offered: it is too weak"},
      {"ciphers: [arcfour]", "never offered"},
      {"ciphers: [aes128-gcm]", "its name is aes128-gcm@openssh.com"},
      {"macs: [hmac-sha2-265]", "did you mean hmac-sha2-256?"},
      {"host_key_algorithms: [ssh-dss]", "never offered"},
      {"compression: [zlib]", "ssh.compression is not a key"}};
  for (const auto& [text, said] : wrong) {
    CAPTURE(text);
    const auto error = error_of(std::string("ssh: {") + text + "}");
    CAPTURE(error);
    CHECK(error.find(said) != std::string::npos);
  }
}

TEST_CASE("an early drop is START:RATE:FULL") {
  CHECK(conf::parse_early_drop("10:30:100") == conf::EarlyDrop{10, 30, 100});
  CHECK(conf::parse_early_drop("1:0:1") == conf::EarlyDrop{1, 0, 1});
  CHECK(conf::EarlyDrop{10, 30, 100}.text() == "10:30:100");
  for (const auto* text : {"", "10", "10:30", "10:30:", "10:30:9", "10:101:100", "0:30:100", "10:30:100:1",
                           "10:30:1000001", " 10:30:100", "10:-1:100", "a:b:c", "10::100"}) {
    CAPTURE(text);
    CHECK_FALSE(conf::parse_early_drop(text));
  }
}

TEST_CASE("an authorized key is one OpenSSH public key") {
  const std::string key = public_key;
  const auto base64 = key.substr(key.find(' ') + 1);
  for (const std::string& text :
       {base64, std::string("ssh-ed25519"), "ssh-rsa " + base64, "ssh-dss " + base64,
        "ssh-ed25519 " + base64.substr(0, 50), "ssh-ed25519  " + base64, key + "!",
        std::string("-----BEGIN OPENSSH PRIVATE KEY-----"), key + "\\n" + key}) {
    CAPTURE(text);
    const auto error =
        error_of("ssh: {users: [{name: a, authorized_keys: [\"" + key + "\", \"" + text + "\"]}]}");
    CHECK(
        error.starts_with("apdepot.yaml:1: ssh.users[0].authorized_keys[1]: must be one public key on one "
                          "line, TYPE BASE64 [COMMENT]"));
    CHECK(error.find("PRIVATE") == error.npos);
  }
}

TEST_CASE("a file is loaded under its own name, and one that cannot be read says why") {
  const test::TempDir dir;
  const auto loaded = conf::load_file(dir.write("apdepot.yaml", "drain: 7\n"));
  CHECK(loaded.settings.drain == 7s);

  const auto error_of_file = [](const std::filesystem::path& file) -> std::string {
    CHECK_THROWS_AS(conf::load_file(file), conf::ConfigError);
    try {
      conf::load_file(file);
    } catch (const conf::ConfigError& error) {
      return error.what();
    }
    return "";
  };
  const auto bad = dir.write("bad.yaml", "drain: no\n");
  CHECK(error_of_file(bad) ==
        storage::utf8_of(bad) + ":1: drain: must be a whole number from 0 to 86400, not \"no\"");
  CHECK(error_of_file(dir / "none") ==
        "cannot read " + storage::utf8_of(dir / "none") + ": there is no such file");
  CHECK(error_of_file(dir.path()) == "cannot read " + storage::utf8_of(dir.path()) + ": it is a folder");
}

TEST_CASE("what is printed as YAML loads again and means the same") {
  for (const std::string text :
       {"",
        "depot: 'true'\ntftp: {listen: ['[fe80::1%eth0]:69'], port_range: 1-2, max_window: 3,\n"
        "  max_upload: 3KiB, single_port: true, max_transfers: 2, allow: [10.0.0.0/8, '::1'], deny: "
        "['::/0']}\n"
        "ssh: {listen: [], compatibility: legacy, users_file: 'null', kex: [ecdh-sha2-nistp256], trusted: "
        "['::/0'],\n"
        "  max_unauthenticated: '1:2:3', login_grace: 1, rekey_limit: 1MiB, max_sessions: 7, macs: "
        "[hmac-sha1]}\n"
        "import: {watch: false, layout: 'a-{release}', settle: 0, max_total: 4097, max_ratio: 1}\n"
        "lookup: {forgiving: false, aliases: {/a: /b, '/ #\"{': /e, \"/\\n\": /, /c d: /}}\nlog: "
        "{level: quiet, format: json, target: 'file:a: \"b\" #c'}\n"
        "drain: 0\n"}) {
    CAPTURE(text);
    const auto printed = conf::to_yaml(load(text));
    CAPTURE(printed);
    CHECK(conf::to_yaml(load(printed)) == printed);
    CHECK(conf::to_json(load(printed)) == conf::to_json(load(text)));
  }
  CHECK(load(conf::to_yaml(load("depot: 'null'"))).depot == "null");
}

TEST_CASE("what is printed shows each character that would not show, and means the same") {
  const std::string hostile = "/srv/a\u202eb\u2028c\U000e0041d\u00e4";
  const auto settings = load("depot: \"" + hostile + "\"\nlookup: {aliases: {\"/\u200b\": /}}\n");
  const auto yaml = conf::to_yaml(settings), json = conf::to_json(settings);
  CHECK(yaml.starts_with("depot: \"/srv/a\\U0000202eb\\U00002028c\\U000e0041d\u00e4\"\n"));
  CHECK(json.starts_with("{\"depot\": \"/srv/a\\u202eb\\u2028c\\udb40\\udc41d\u00e4\", "));
  CHECK(json.find("\"/\\u200b\": \"/\"") != json.npos);
  CHECK(load(yaml).depot == hostile);
  CHECK(load(yaml).lookup.aliases == settings.lookup.aliases);
}

TEST_CASE("what is printed never holds a password's hash") {
  const auto settings = load(user(std::string("      password_hash: ") + hash + "\n"));
  const auto yaml = conf::to_yaml(settings);
  CHECK(yaml.find("    - name: \"ewc\"\n      password_hash: \"(hidden)\"\n      authorized_keys: []\n") !=
        yaml.npos);
  CHECK(yaml.find("scrypt") == yaml.npos);
  CHECK(conf::to_json(settings).find("scrypt") == std::string::npos);
}

TEST_CASE("what is printed as JSON is JSON, whatever the texts hold") {
  const auto json = conf::to_json(load(user("      authorized_keys: ['" + std::string(public_key) + "']\n") +
                                       "tftp: {deny: [10.0.0.0/8]}\nlookup: {aliases: {/a: /b}}\n"
                                       "depot: \"q\\\"\\\\\\x01\\n\\u20ac\xff\"\n"));
  CHECK(
      json ==
      "{\"depot\": \"q\\\"\\\\\\u0001\\n\u20ac\ufffd\", "
      R"("user": null, "tftp": {"listen": ["0.0.0.0:69", "[::]:69"], "uploads": false, )"
      R"("read_uploads": false, "max_upload": 2147483648, "max_block_size": 65464, "max_window": 64, "port_range": null, )"
      R"("single_port": false, "max_transfers": 5000, "max_transfers_per_address": 2000, )"
      R"("max_requests_per_second": 1000, "allow": [], "deny": ["10.0.0.0/8"]}, )"
      R"("ssh": {"listen": ["0.0.0.0:22", "[::]:22"], "compatibility": "modern", "max_upload": 2147483648, )"
      R"("kex": [], "host_key_algorithms": [], "ciphers": [], "macs": [], "rekey_limit": null, "login_grace": 60, )"
      R"("max_unauthenticated": "100:30:300", "max_unauthenticated_per_address": 50, "max_sessions": 2000, )"
      R"("max_sessions_per_address": 1000, "trusted": [], "users_file": null, )"
      R"("users": [{"name": "ewc", "authorized_keys": [")" +
          std::string(public_key) +
          R"("], "root": "/", "uploads": false, "web": "none", "sftp": true}]}, )"
          R"("uploads": {"max_total": 21474836480, "max_files": 10000, "max_folders": 1000, "reserve": 268435456}, )"
          R"("import": {"watch": true, "layout": "{product}/{release}", "settle": 2, "keep": 0, )"
          R"("keep_bundles": false, "max_rejected": 1000, "max_members": 10000, "max_total": 17179869184, "max_ratio": 200}, )"
          R"("lookup": {"forgiving": true, "aliases": {"/a": "/b"}}, )"
          R"("log": {"level": "verbose", "format": "classic", "target": "auto", "max_size": 268435456}, )"
          R"("syslog": {"listen": [], "allow": [], "max_lines_per_second": 200, "max_lines_per_second_in_all": 2000}, )"
          R"("http": {"listen": [], "index": true}, )"
          R"("metrics": {"listen": []}, )"
          R"("web": {"listen": ["127.0.0.1:8069"], "certificate": null, "key": null, "names": [], "proxies": [], "hsts": false}, )"
          R"("history": {"days": 400, "size": 268435456}, "expected": [], )"
          "\"drain\": 30}\n");
}
