#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>

#include "conf/load.hpp"
#include "server/commands/command.hpp"
#include "server/commands/password_file.hpp"
#include "server/commands/progress_bar.hpp"
#include "server/events/protocol.hpp"
#include "server/files/explanation.hpp"
#include "server/os/terminal.hpp"
#include "server/probe/http_probe.hpp"
#include "server/probe/report.hpp"
#include "server/probe/sftp_probe.hpp"
#include "server/probe/target.hpp"
#include "server/probe/tftp_probe.hpp"
#include "server/text/escape.hpp"
#include "server/text/miss_text.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/current.hpp"
#include "storage/releases/published.hpp"
#include "storage/releases/verify.hpp"

namespace server {
namespace {

constexpr Flag flags[]{
    {"--plain", "", "TFTP: ask without options, as the oldest devices do"},
    {"--blksize", "BYTES", "TFTP: the block size to ask for; 1428 unless told"},
    {"--insecure", "", "HTTPS: go on where the certificate is not trusted"},
    {"--wait", "SECONDS", "how long a silence lasts before it is the end; 25 unless told"},
    {"--password-file", "FILE", "SFTP: read the password from FILE's first line, - for standard input"},
    {"--host-key", "SHA256:HASH", "SFTP: fail where the server has another host key"},
    {"--json", "", "print JSON: docs/formats.md"}};

using event::Protocol;
using Scheme = probe::Target::Scheme;

probe::Target target_of(const std::string& url) {
  auto target = probe::parse_target(url);
  // The URL itself may hold a password: it is not repeated.
  if (!target) throw UsageError(fmt::format("this URL cannot be probed: {}", target.error()));
  return std::move(*target);
}

std::optional<unsigned> number_in(const Arguments& arguments, std::string_view flag, unsigned low,
                                  unsigned high) {
  const auto text = arguments.value(flag);
  if (!text) return {};
  unsigned value = 0;
  const auto* end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, value);
  if (text->empty() || error != std::errc{} || stopped != end || value < low || value > high)
    throw UsageError(fmt::format("{} {}: it is a number from {} to {}", flag, *text, low, high));
  return value;
}

std::chrono::seconds patience_of(const Arguments& arguments) {
  return std::chrono::seconds(number_in(arguments, "--wait", 1, 600).value_or(25));
}

probe::TftpManner tftp_manner_of(const Arguments& arguments) {
  probe::TftpManner manner;
  manner.plain = arguments.has("--plain");
  const auto block_size = number_in(arguments, "--blksize", 8, 65464);
  if (block_size && manner.plain) throw UsageError("--plain asks without options: --blksize is one of them");
  if (block_size) manner.block_size = static_cast<std::uint16_t>(*block_size);
  manner.patience = patience_of(arguments);
  return manner;
}

Secret ask_password(const probe::Target& target, const std::string& fingerprint) {
  if (!has_terminal())
    throw std::runtime_error("there is no terminal to ask for the password: use --password-file FILE");
  fmt::print(stderr, "{} has the host key {}\n", escaped(target.host), fingerprint);
  auto answer = ask_secret(fmt::format("Password for {}: ", escaped(target.user)));
  if (!answer) throw std::runtime_error("no password was given");
  return Secret(std::move(*answer));
}

probe::SftpManner sftp_manner_of(const Arguments& arguments, const probe::Target& target) {
  probe::SftpManner manner;
  manner.patience = patience_of(arguments);
  manner.host_key = arguments.value("--host-key").value_or("");
  if (!manner.host_key.empty() && !manner.host_key.starts_with("SHA256:"))
    throw UsageError("--host-key: it is SHA256: and a hash, as `ssh-keygen -lf` prints it");
  // Before root becomes the depot's owner, for root alone may be allowed to read it.
  if (const auto file = arguments.value("--password-file")) {
    const auto kept = std::make_shared<Secret>(password_from_file(*file));
    manner.password = [kept](const std::string&) { return Secret(kept->text()); };
  } else {
    manner.password = [&target](const std::string& fingerprint) { return ask_password(target, fingerprint); };
  }
  return manner;
}

// A flag of another protocol would do nothing, without a word.
void check_flags(const Arguments& arguments, Scheme scheme) {
  struct OneSchemes {
    std::string_view flag, name;
    Scheme scheme;
  };
  constexpr std::array<OneSchemes, 5> flags_of_one{{{"--plain", "tftp", Scheme::tftp},
                                                    {"--blksize", "tftp", Scheme::tftp},
                                                    {"--password-file", "sftp", Scheme::sftp},
                                                    {"--host-key", "sftp", Scheme::sftp},
                                                    {"--insecure", "https", Scheme::https}}};
  for (const auto& each : flags_of_one)
    if (each.scheme != scheme && arguments.has(each.flag))
      throw UsageError(fmt::format("{} is for {}:// only", each.flag, each.name));
}

Protocol protocol_of(Scheme scheme) {
  return scheme == Scheme::tftp ? Protocol::tftp : scheme == Scheme::sftp ? Protocol::sftp : Protocol::http;
}

// What this host's own depot says of the path.
struct Known {
  std::optional<probe::Recorded> recorded;
  std::string nearest;  // why it has not got it, and what is near; escaped
};

// The release that a promoted folder is.
storage::Path release_of(const storage::Depot& depot, const storage::Path& folder) {
  for (const auto& release : storage::imported_releases(depot))
    if (storage::current_of(release) == folder && storage::is_current(depot, release)) return release;
  return folder;
}

Known look_up(const conf::Settings& settings, const probe::Target& target, Protocol protocol) {
  const auto depot = existing_depot(settings);
  const auto answer = explain_read(settings, depot, target.path, protocol);
  if (!answer) return {{}, text_of(answer.error(), protocol)};
  const auto release = release_of(depot, answer->path.parent());
  if (release.is_root()) return {};
  const auto manifest = storage::load_manifest(storage::manifest_of(depot, release.text()));
  if (!manifest) return {};
  const auto member = std::ranges::find(manifest->members, answer->path.name(), &storage::Member::name);
  if (member == manifest->members.end()) return {};
  return {probe::Recorded{answer->path.text(), member->sha256}, {}};
}

// Where nobody names a depot, and none is in reach, there is just nothing to compare with.
Known known_of(const Arguments& arguments, const probe::Target& target) {
  const auto protocol = protocol_of(target.scheme);
  const bool named = arguments.has("--depot") || arguments.has("--config");
  try {
    return look_up(load_settings(arguments).settings, target, protocol);
  } catch (const std::exception&) {
    if (named) throw;
    return {};
  }
}

int run(Arguments& arguments) {
  const auto url = arguments.take_word("URL");
  arguments.expect_no_more();
  const auto target = target_of(url);
  check_flags(arguments, target.scheme);
  const auto by_tftp = tftp_manner_of(arguments);
  const auto by_sftp = sftp_manner_of(arguments, target);
  const probe::HttpManner by_http{arguments.has("--insecure"), patience_of(arguments)};
  const auto known = known_of(arguments, target);
  probe::Report report;
  report.url = escaped(url, whole);
  report.nearest = known.nearest;
  {
    ProgressBar bar(url);
    const probe::Progress progress = [&bar](std::uint64_t done, std::optional<std::uint64_t> total) {
      bar.show(done, total);
    };
    switch (protocol_of(target.scheme)) {
      case Protocol::tftp:
        probe::probe_tftp(target, by_tftp, known.recorded, progress, report);
        break;
      case Protocol::http:
        probe::probe_http(target, by_http, known.recorded, progress, report);
        break;
      default:
        probe::probe_sftp(target, by_sftp, known.recorded, progress, report);
    }
  }
  fmt::print("{}", arguments.has("--json") ? json_of(report) + "\n" : text_of(report));
  return report.cause ? 1 : 0;
}

}  // namespace

const Command probe_command{
    "probe", "URL", "fetches a file from any server as a device does, and says why it fails", flags, run};

}  // namespace server
