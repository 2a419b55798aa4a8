#include "server/log/classic.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "protocols/tftp/packet.hpp"
#include "server/events/all.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/meter.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/escape.hpp"
#include "server/text/miss_text.hpp"

namespace server {
namespace {

using namespace event;
using enum conf::LogLevel;
constexpr auto error = Severity::error, warning = Severity::warning, notice = Severity::notice,
               info = Severity::info;

// The tags are those that the programs themselves have in a syslog, and fail2ban's filters look for.
LogLine in_tftpd(std::uint64_t number, conf::LogLevel level, Severity severity, std::string text) {
  return {level, severity, bounded_line(fmt::format("in.tftpd[{}]: {}", number, text))};
}
LogLine sshd(std::uint64_t number, conf::LogLevel level, Severity severity, std::string text) {
  return {level, severity, bounded_line(fmt::format("sshd[{}]: {}", number, text))};
}
LogLine sftp_server(std::uint64_t number, conf::LogLevel level, Severity severity, std::string text) {
  return {level, severity, bounded_line(fmt::format("sftp-server[{}]: {}", number, text))};
}
LogLine http(std::uint64_t number, conf::LogLevel level, Severity severity, std::string text) {
  return {level, severity, bounded_line(fmt::format("http[{}]: {}", number, text))};
}
LogLine page(conf::LogLevel level, Severity severity, std::string text) {
  return {level, severity, bounded_line("http: " + std::move(text))};
}
LogLine apdepot(conf::LogLevel level, Severity severity, std::string text) {
  return {level, severity, bounded_line("apdepot: " + std::move(text))};
}

auto* line_of(Protocol protocol) {
  return protocol == Protocol::tftp ? in_tftpd : protocol == Protocol::http ? http : sftp_server;
}

bool ended_by_arriving(const TransferEnded& e) {
  return e.how.cause == protocols::Cause::complete || e.how.cause == protocols::Cause::unconfirmed;
}

double milliseconds(std::chrono::duration<double, std::milli> time) { return time.count(); }

std::string describe(const LoopTurns& turns) {
  auto text =
      fmt::format("{} turns, the longest {:.1f} ms of CPU", turns.total(), milliseconds(turns.longest));
  for (std::size_t i = 0; i < turns.counts.size(); ++i) {
    if (turns.counts[i] == 0) continue;
    const bool last = i + 1 == turns.counts.size();
    text += last ? fmt::format(", more {}", turns.counts[i])
                 : fmt::format(", <= {} ms {}", milliseconds(turns.bounds[i]), turns.counts[i]);
  }
  return text;
}

std::string describe(const TftpRequested& e) {
  auto text = fmt::format("{} from {} filename {}", e.write ? "WRQ" : "RRQ", e.client, escaped(e.name));
  if (e.remapped) {
    text += fmt::format(" remapped to {} ({})", escaped_path(e.remapped->to), rule_name(e.remapped->rule));
  }
  return text;
}

std::string describe(const HttpRequested& e) {
  auto text = fmt::format("{} from {} path {}", e.method, e.client, escaped(e.name));
  if (e.remapped) {
    text += fmt::format(" remapped to {} ({})", escaped_path(e.remapped->to), rule_name(e.remapped->rule));
  }
  return text;
}

std::string_view describe(Limit limit) {
  switch (limit) {
    case Limit::requests_per_second:
      return "too many requests a second from there (tftp.max_requests_per_second)";
    case Limit::denied:
      return "its address is in tftp.deny";
    case Limit::not_allowed:
      return "its address is not in tftp.allow";
    case Limit::transfers_per_address:
      return "too many transfers from there (tftp.max_transfers_per_address)";
    case Limit::transfers:
      break;
  }
  return "too many transfers at once (tftp.max_transfers)";
}

std::string_view describe(Noise kind) {
  switch (kind) {
    case Noise::refused:
      return "were refused";
    case Noise::unanswered:
      return "were never answered by the client";
    case Noise::limited:
      break;
  }
  return "were dropped";
}

// What was told in full came again; the others were too many different ones.
std::string describe(const TftpNoise& e) {
  auto text = fmt::format("{} more requests from {} {} within {} s", e.count, e.client, describe(e.kind),
                          e.period.count());
  auto others = e.count;
  for (std::size_t i = 0; i < std::min(e.repeated.size(), most_repeated); ++i) {
    const auto& [what, count] = e.repeated[i];
    text += fmt::format("{} {} {}", i == 0 ? ":" : ",", count == 1 ? "once" : fmt::format("{} times", count),
                        escaped(what));
    others -= count;
  }
  if (others > 0 && others < e.count) text += fmt::format(", and {} others", others);
  return text;
}

// sshd's words.
std::string_view describe(Offence offence) {
  switch (offence) {
    case Offence::failed_login:
      return "failed authentication";
    case Offence::no_login:
      return "connections without attempting authentication";
    case Offence::login_grace:
      break;
  }
  return "exceeded LoginGraceTime";
}

std::string describe(SshLimit limit, Offence offence) {
  switch (limit) {
    case SshLimit::unauthenticated_per_address:
      return "past MaxStartups (ssh.max_unauthenticated_per_address)";
    case SshLimit::unauthenticated:
      return "past MaxStartups (ssh.max_unauthenticated)";
    case SshLimit::sessions_per_address:
      return "past MaxStartups (ssh.max_sessions_per_address)";
    case SshLimit::sessions:
      return "past MaxStartups (ssh.max_sessions)";
    case SshLimit::penalty:
      break;
  }
  return fmt::format("penalty: {}", describe(offence));
}

// What both sides could do is what the administrator has to compare: the longest offer of a real client has
// some 700 characters.
constexpr std::size_t most_of_offer = 1000;

std::string describe(const SshDropped& e) {
  auto text = fmt::format("drop connection #{} from [{}]:{} on [{}]:{} {}", e.unauthenticated, e.client,
                          e.port, e.listener, e.listener_port, describe(e.limit, e.offence));
  if (e.untold > 0) text += fmt::format(", and {} more from there before", e.untold);
  return text;
}

std::string describe(const SshPenalised& e) {
  error_code unknown;
  const auto client = net::ip::make_address(e.client, unknown);
  return fmt::format(
      "{}: activating {} penalty of {} seconds for penalty: {}; ssh.trusted lists networks that are spared",
      unknown ? e.client : client_network_text(client), client.is_v4() ? "ipv4" : "ipv6", e.period.count(),
      describe(e.offence));
}

std::string describe(const SshNegotiated& e) {
  return fmt::format("{} port {} is {}: kex {}, host key {}, client->server {} {}, server->client {} {}",
                     e.client, e.port, escaped(e.banner), escaped(e.kex), escaped(e.host_key),
                     escaped(e.cipher_in), escaped(e.mac_in), escaped(e.cipher_out), escaped(e.mac_out));
}

std::string describe(const SshMismatched& e) {
  auto text = fmt::format(
      "Unable to negotiate with {} port {}: no matching {} found. Their offer: {}. Ours: {}. They are {}",
      e.client, e.port, escaped(e.kind), escaped(e.theirs, most_of_offer), escaped(e.ours, most_of_offer / 2),
      escaped(e.banner));
  if (e.legacy_helps) text += "; ssh.compatibility: legacy has what they need";
  return text;
}

std::string describe(const SshEnded& e) {
  const auto peer = fmt::format(
      "{}{} port {}", e.user.empty() ? "" : fmt::format("user {} ", escaped(e.user)), e.client, e.port);
  switch (e.how) {
    case SshEnd::closed:
      return "Connection closed by " + peer;
    case SshEnd::reset:
      return "Connection reset by " + peer;
    case SshEnd::disconnected:
      return fmt::format("Disconnected from {}: {}", peer, escaped(e.why));
    case SshEnd::timeout:
      return "Timeout before authentication for " + peer;
    case SshEnd::disconnecting:
      break;
  }
  return fmt::format("Disconnecting {}: {}", peer, escaped(e.why));
}

std::string describe(const LoggedIn& e) {
  auto text =
      fmt::format("Accepted {} for {} from {} port {} ssh2", e.method, escaped(e.user), e.client, e.port);
  if (!e.key.empty()) text += ": " + e.key;
  return text;
}

// What sshd's own words do not tell. Nothing where they mean it: a wrong password.
std::string describe(LoginFault fault, const std::string& similar) {
  switch (fault) {
    case LoginFault::other_case:
      return fmt::format("the user is called {}", escaped(similar));
    case LoginFault::no_password:
      return "the user has no password, only keys: apdepot user passwd sets one";
    case LoginFault::no_keys:
      return "the user has no keys, only a password";
    case LoginFault::other_key:
      return "not one of the user's keys";
    case LoginFault::barred_key:
      return "one of the user's keys, not permitted from there";
    case LoginFault::wrong_signature:
      return "the signature is wrong";
    case LoginFault::not_judged:
      return "not judged, after too many failures from there";
    case LoginFault::no_sftp:
      return "the user has sftp: false, and may use the page only";
    case LoginFault::no_web:
      return "the user has web: none: apdepot user web NAME viewer lets it see the page";
    case LoginFault::wrong_code:
      return "not the code of the set-up: apdepot web code prints it";
    case LoginFault::wrong_password:
    case LoginFault::unknown_user:
      break;
  }
  return {};
}

// In sshd's words.
std::string describe(const WebLoginFailed& e) {
  const bool unknown = e.fault == LoginFault::unknown_user || e.fault == LoginFault::other_case;
  auto text = fmt::format("Failed password for {}{} from {}", unknown ? "invalid user " : "", escaped(e.user),
                          e.client);
  if (e.fault == LoginFault::other_case) return text + ": the user is spelled otherwise";
  if (const auto why = describe(e.fault, {}); !why.empty()) text += ": " + why;
  return text;
}

// sshd's line, which fail2ban knows, and then what we know.
std::string describe(const LoginFailed& e) {
  const bool unknown = e.fault == LoginFault::unknown_user || e.fault == LoginFault::other_case;
  auto text = fmt::format("Failed {} for {}{} from {} port {} ssh2", e.method, unknown ? "invalid user " : "",
                          escaped(e.user), e.client, e.port);
  if (!e.key.empty()) text += ": " + e.key;
  const auto why = describe(e.fault, e.similar);
  if (!why.empty()) text += (e.key.empty() ? ": " : ", ") + why;
  return text;
}

std::string describe(const Published& e) {
  const auto file = escaped_path(e.file), path = escaped_path(e.imported.path);
  if (e.imported.already_there)
    return fmt::format("{} is published already as {}: nothing was changed", file, path);
  auto text = fmt::format("published {} from {}: {} files, {} bytes in {:.1f} s", path, file,
                          e.imported.members, e.imported.bytes, e.seconds);
  // Only a bundle's images are for access points that a controller sends here.
  if (e.imported.image.empty()) text += ": tftp-image-path " + path;
  return text;
}

// sftp-server(8)'s lines: "info" and "verbose" as there, the rest at "debug".
struct SftpLine {
  std::uint64_t number;

  LogLine line(conf::LogLevel level, std::string text) const {
    return sftp_server(number, level, info, std::move(text));
  }

  LogLine operator()(const sftp::event::ClientVersion& e) const {
    return line(verbose, fmt::format("received client version {}", e.version));
  }
  LogLine operator()(const sftp::event::Realpath& e) const {
    return line(verbose, fmt::format("realpath \"{}\"", escaped(e.name)));
  }
  LogLine operator()(const sftp::event::Stat& e) const {
    return line(verbose, fmt::format("{} name \"{}\"", e.follow ? "stat" : "lstat", escaped(e.name)));
  }
  LogLine operator()(const sftp::event::Open& e) const {
    return line(normal, fmt::format("open \"{}\" flags {} mode 0{:o}", escaped(e.name),
                                    sftp::flags_text(e.flags), e.mode));
  }
  LogLine operator()(const sftp::event::Close& e) const {
    return line(normal, fmt::format("{}close \"{}\" bytes read {} written {}", e.forced ? "forced " : "",
                                    escaped(e.name), e.read, e.written));
  }
  LogLine operator()(const sftp::event::Opendir& e) const {
    return line(normal, fmt::format("opendir \"{}\"", escaped(e.name)));
  }
  LogLine operator()(const sftp::event::Closedir& e) const {
    return line(normal, fmt::format("{}closedir \"{}\"", e.forced ? "forced " : "", escaped(e.name)));
  }
  LogLine operator()(const sftp::event::Remove& e) const {
    return line(normal, fmt::format("remove name \"{}\"", escaped(e.name)));
  }
  LogLine operator()(const sftp::event::Mkdir& e) const {
    return line(normal, fmt::format("mkdir name \"{}\" mode 0{:o}", escaped(e.name), e.mode));
  }
  LogLine operator()(const sftp::event::Rmdir& e) const {
    return line(normal, fmt::format("rmdir name \"{}\"", escaped(e.name)));
  }
  LogLine operator()(const sftp::event::Pair& e) const {
    return line(normal,
                fmt::format("{} old \"{}\" new \"{}\"", e.request, escaped(e.old_name), escaped(e.new_name)));
  }
  LogLine operator()(const sftp::event::Named& e) const {
    return line(e.request == "statvfs" ? normal : verbose,
                fmt::format("{} \"{}\"", e.request, escaped(e.name)));
  }
  LogLine operator()(const sftp::event::SetSize& e) const {
    return line(normal, fmt::format("set \"{}\" size {}", escaped(e.name), e.size));
  }
  LogLine operator()(const sftp::event::SetMode& e) const {
    return line(normal, fmt::format("set \"{}\" mode {:04o}, ignored", escaped(e.name), e.mode));
  }
  LogLine operator()(const sftp::event::ModeIgnored& e) const {
    return line(normal, fmt::format("set \"{}\" mode {:04o} ignored: files are 0644 here, folders 0755",
                                    escaped(e.name), e.mode));
  }
  LogLine operator()(const sftp::event::SetModtime& e) const {
    return line(normal, fmt::format("set \"{}\" modtime {:%Y%m%d-%H:%M:%S}", escaped(e.name),
                                    fmt::gmtime(e.modified)));
  }
  LogLine operator()(const sftp::event::SetOwner& e) const {
    return line(normal, fmt::format("set \"{}\" owner {} group {}", escaped(e.name), e.uid, e.gid));
  }
  LogLine operator()(const sftp::event::Refused& e) const {
    return line(verbose, fmt::format("Refusing {} request in read-only mode", e.request));
  }
  LogLine operator()(const sftp::event::SentStatus& e) const {
    const bool expected = e.status == sftp::Status::ok || e.status == sftp::Status::eof;
    return line(expected ? debug : normal, fmt::format("sent status {}", sftp::text_of(e.status)));
  }
  LogLine operator()(const sftp::event::Unknown& e) const {
    return line(normal, e.extension.empty()
                            ? fmt::format("Unknown message {}", e.type)
                            : fmt::format("Unknown extended request \"{}\"", escaped(e.extension)));
  }
};

// With the name that the device gives itself, and the address, which proves little: it came by UDP.
std::string describe(const ControllerSaid& e) {
  auto text = e.host.empty() || e.host == e.client
                  ? fmt::format("syslog of {}: {}", e.client, e.finding)
                  : fmt::format("syslog of {} ({}): {}", escaped(e.host), e.client, e.finding);
  if (!e.fix.empty() && e.finding.find(e.fix) == e.finding.npos) text += "; " + e.fix;
  if (e.untold > 0) text += fmt::format(" ({} times more)", e.untold);
  return text;
}

std::string_view describe(SyslogLimit limit) {
  switch (limit) {
    case SyslogLimit::not_allowed:
      return "its address is not in syslog.allow";
    case SyslogLimit::lines_per_second:
      return "too many lines a second from there (syslog.max_lines_per_second)";
    case SyslogLimit::lines_per_second_in_all:
      break;
  }
  return "too many lines a second (syslog.max_lines_per_second_in_all)";
}

std::string describe(const SyslogRefused& e) {
  auto text = fmt::format("dropped a line of syslog from {}: {}", e.client, describe(e.limit));
  if (e.untold > 0) text += fmt::format(" ({} times more)", e.untold);
  return text;
}

constexpr std::size_t most_warnings = 20;  // of one import: a bundle may have ten thousand members

struct Lines {
  using L = std::vector<LogLine>;

  L operator()(const TftpRequested& e) const { return {in_tftpd(e.number, normal, notice, describe(e))}; }
  L operator()(const TransferBegan& e) const {
    const auto text = fmt::format("{} {} {} {}", e.write ? "receiving" : "sending", escaped_path(e.name),
                                  e.write ? "from" : "to", e.client);
    return {line_of(e.protocol)(e.number, debug, Severity::debug, text)};
  }
  L operator()(const TransferEnded& e) const {
    const bool has_close = e.protocol == Protocol::sftp || e.protocol == Protocol::scp;
    const bool usual = !has_close && ended_by_arriving(e);
    const auto severity = is_trouble(e) ? warning : usual ? notice : info;
    // Of what went well sftp-server's close is all that an OpenSSH log has.
    const auto level = is_trouble(e) ? quiet : has_close ? debug : normal;
    return {line_of(e.protocol)(e.number, level, severity, ending_text(e))};
  }
  L operator()(const TftpRefused& e) const {
    const auto nak = fmt::format("({}, {})", static_cast<int>(e.code), text_of(e.code));
    return {in_tftpd(e.number, normal, info,
                     e.by_broadcast
                         ? fmt::format("no answer {} to {}: it asked by broadcast, and another server "
                                       "may have the file",
                                       nak, e.client)
                         : fmt::format("sending NAK {} to {}", nak, e.client))};
  }
  L operator()(const TftpLimited& e) const {
    return {in_tftpd(
        e.number, quiet, warning,
        fmt::format("dropped a request from {} for {}: {}", e.client, escaped(e.name), describe(e.limit)))};
  }
  L operator()(const TftpNoise& e) const { return {in_tftpd(e.number, quiet, warning, describe(e))}; }
  L operator()(const HttpRequested& e) const { return {http(e.number, normal, notice, describe(e))}; }
  L operator()(const HttpAnswered& e) const {
    return {http(e.number, normal, info, fmt::format("sending {} ({}) to {}", e.status, e.what, e.client))};
  }
  L operator()(const HttpLimited& e) const {
    const auto what = e.name.empty() ? "connection" : "request";
    const auto name = e.name.empty() ? "" : " for " + escaped(e.name);
    return {http(e.number, quiet, warning,
                 fmt::format("dropped a {} from {}{}: {}", what, e.client, name, describe(e.limit)))};
  }
  L operator()(const LeftOut& e) const {
    return {apdepot(quiet, warning,
                    fmt::format("{} more lines about {} were left out within {} s", e.lines, escaped(e.about),
                                e.period.count()))};
  }
  L operator()(const Missed& e) const {
    const auto cause = cause_name(e.miss.cause);
    return {line_of(e.protocol)(e.number, quiet, warning,
                                fmt::format("miss {}: {}", cause, text_of(e.miss, e.protocol)))};
  }
  L operator()(const HostKey& e) const {
    return {apdepot(normal, info, fmt::format("host key {} {}", e.type, e.fingerprint))};
  }
  L operator()(const SshProbed& e) const {
    return {sshd(e.number, debug, Severity::debug, fmt::format("{} connected and sent nothing", e.client))};
  }
  L operator()(const SshDropped& e) const { return {sshd(e.number, quiet, warning, describe(e))}; }
  L operator()(const SshPenalised& e) const { return {sshd(e.number, quiet, warning, describe(e))}; }
  L operator()(const SshNegotiated& e) const { return {sshd(e.number, verbose, info, describe(e))}; }
  L operator()(const SshMismatched& e) const { return {sshd(e.number, quiet, warning, describe(e))}; }
  L operator()(const SshEnded& e) const {
    const bool stranger = e.user.empty();
    return {sshd(e.number, stranger ? normal : verbose, stranger ? warning : info, describe(e))};
  }
  L operator()(const SshRefused& e) const {
    const auto line = e.by_service ? sftp_server : sshd;
    return {line(e.number, e.usual ? debug : normal, e.usual ? Severity::debug : warning,
                 fmt::format("refused {}", escaped(e.what)))};
  }
  L operator()(const LoggedIn& e) const { return {sshd(e.number, normal, info, describe(e))}; }
  L operator()(const WebLoggedIn& e) const {
    return {page(normal, info, fmt::format("Accepted password for {} from {}", escaped(e.user), e.client))};
  }
  L operator()(const WebLoginFailed& e) const { return {page(quiet, warning, describe(e))}; }
  L operator()(const LoginFailed& e) const { return {sshd(e.number, quiet, warning, describe(e))}; }
  L operator()(const SessionOpened& e) const {
    return {
        sftp_server(e.number, normal, info,
                    fmt::format("session opened for local user {} from [{}]", escaped(e.user), e.client))};
  }
  L operator()(const SessionClosed& e) const {
    return {
        sftp_server(e.number, normal, info,
                    fmt::format("session closed for local user {} from [{}]", escaped(e.user), e.client))};
  }
  L operator()(const ScpFailed& e) const {
    const auto name = e.name.empty() ? "" : fmt::format("\"{}\" ", escaped(e.name));
    return {sftp_server(
        e.number, normal, info,
        fmt::format("scp {}{}: {}", name, e.by_client ? "received error" : "sent error", escaped(e.text)))};
  }
  L operator()(const SftpRemapped& e) const {
    return {sftp_server(e.number, normal, info,
                        fmt::format("remapped \"{}\" to \"{}\" ({})", escaped(e.name),
                                    escaped_path(e.remapped.to), rule_name(e.remapped.rule)))};
  }
  L operator()(const SftpHappened& e) const { return {std::visit(SftpLine{e.number}, e.what)}; }

  L operator()(const ControllerSaid& e) const {
    return {apdepot(e.bad ? quiet : normal, e.bad ? warning : info, describe(e))};
  }
  L operator()(const SyslogRefused& e) const {
    return {apdepot(e.rare ? quiet : debug, e.rare ? warning : Severity::debug, describe(e))};
  }

  L operator()(const ImportStarted& e) const {
    return {apdepot(normal, info, fmt::format("importing {}", escaped_path(e.file)))};
  }
  L operator()(const ImportProgress& e) const {
    return {apdepot(
        normal, info,
        fmt::format("importing {}: {} %", escaped_path(e.file), e.total > 0 ? e.done * 100 / e.total : 0))};
  }
  L operator()(const Published& e) const {
    L lines;
    const auto file = escaped_path(e.file);
    const auto& warnings = e.imported.warnings;
    const auto told = std::min(warnings.size(), most_warnings);
    for (std::size_t i = 0; i < told; ++i) {
      lines.push_back(
          apdepot(quiet, warning, fmt::format("{}: {}", file, escaped(warnings[i], most_of_archive))));
    }
    if (told < warnings.size()) {
      lines.push_back(apdepot(
          quiet, warning, fmt::format("{}: {} more warnings were left out", file, warnings.size() - told)));
    }
    lines.push_back(apdepot(normal, notice, describe(e)));
    return lines;
  }
  L operator()(const ImportRejected& e) const {
    return {apdepot(quiet, error,
                    fmt::format("rejected {}: {} (it is kept as {})", escaped_path(e.file),
                                escaped(e.reason, most_of_archive), escaped_path(e.moved_to)))};
  }
  L operator()(const ImportFailed& e) const {
    return {apdepot(quiet, error,
                    fmt::format("cannot import {}: {} (it stays in drop/ and is tried again)",
                                escaped_path(e.file), escaped(e.reason, most_of_archive)))};
  }
  L operator()(const ImportGone& e) const {
    return {
        apdepot(normal, notice,
                fmt::format("{} {} while it was imported: nothing of it is published", escaped_path(e.file),
                            e.replaced ? "was replaced by another file" : "was taken out of drop/"))};
  }
  L operator()(const DigestCompared& e) const {
    const auto file = escaped_path(e.compared.file), where = escaped_path(e.compared.where),
               path = escaped_path(e.compared.path);
    if (e.compared.matches)
      return {apdepot(normal, notice, fmt::format("{} is what {} says: {} is verified", file, where, path))};
    return {
        apdepot(quiet, error,
                fmt::format("{} is not what {} says: {} is not verified; download {} again and put both into "
                            "drop/, or take the release out of service",
                            file, where, path, file))};
  }
  L operator()(const DigestWaits& e) const {
    return {apdepot(normal, info,
                    fmt::format("drop/{} waits for the file that it is about", escaped_path(e.file)))};
  }
  L operator()(const DropIgnored& e) const {
    return {apdepot(
        quiet, warning,
        fmt::format("drop/{} is not a regular file and is left alone: put the bundle itself into drop/, or a "
                    "folder of images into images/",
                    escaped_path(e.file)))};
  }
  L operator()(const Retired& e) const {
    return {apdepot(normal, notice,
                    fmt::format("retired {} to {}: import.keep is {}", escaped_path(e.path),
                                escaped_path(e.moved_to), e.keep))};
  }

  L operator()(const Started& e) const { return {apdepot(normal, info, "version " + e.version)}; }
  L operator()(const RootGivenUp& e) const {
    return {
        apdepot(normal, info, fmt::format("runs as {} (uid {}): root was given up", escaped(e.user), e.uid))};
  }
  L operator()(const Acted& e) const {
    return {apdepot(quiet, notice,
                    fmt::format("{}: {} {}: {}", escaped(e.who), escaped(e.act),
                                escaped(e.subject, most_of_ours), escaped(e.outcome, most_of_ours)))};
  }
  L operator()(const Reloaded& e) const {
    return {apdepot(normal, notice, fmt::format("configuration {} is in effect", escaped_path(e.file)))};
  }
  L operator()(const ReloadFailed& e) const {
    return {apdepot(
        quiet, error,
        "the configuration is wrong, the old one stays in effect: " + escaped(e.reason, most_of_ours))};
  }
  L operator()(const Warned& e) const { return {apdepot(quiet, warning, escaped(e.text, most_of_ours))}; }
  L operator()(const Stopping& e) const {
    return {apdepot(normal, notice,
                    fmt::format("stopping: {} transfers and {} sessions are running; Ctrl-C ends at once",
                                e.transfers, e.sessions))};
  }
  L operator()(const LoopMeasured& e) const { return {apdepot(verbose, info, "loop: " + describe(e.turns))}; }
  L operator()(const Stopped&) const { return {apdepot(normal, notice, "stopped")}; }
};

}  // namespace

std::vector<LogLine> classic_lines(const Event& event) { return event.visit(Lines{}); }

}  // namespace server
