#include "server/log/json_log.hpp"

#include <algorithm>
#include <array>

#include "server/events/all.hpp"
#include "server/events/warning.hpp"
#include "server/log/level.hpp"
#include "server/loop/meter.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/json.hpp"
#include "server/text/limit_name.hpp"
#include "server/text/login_text.hpp"

namespace server {
namespace {

using namespace event;

std::string_view word(Noise kind) {
  switch (kind) {
    case Noise::refused:
      return "refused";
    case Noise::unanswered:
      return "unanswered";
    case Noise::limited:
      break;
  }
  return "limited";
}

std::string_view sftp_event(std::string_view request) {
  constexpr std::array<std::string_view, 9> events{
      "sftp.rename", "sftp.posix-rename", "sftp.symlink", "sftp.hardlink",      "sftp.statvfs",
      "sftp.fsync",  "sftp.readlink",     "sftp.expand",  "sftp.home-directory"};
  const auto* found = std::ranges::find_if(events, [&](auto event) { return event.ends_with(request); });
  return found == events.end() ? "sftp.request" : *found;
}

std::string_view word(Offence offence) {
  switch (offence) {
    case Offence::failed_login:
      return "failed_login";
    case Offence::no_login:
      return "no_login";
    case Offence::login_grace:
      break;
  }
  return "login_grace";
}

std::string_view word(SshEnd how) {
  switch (how) {
    case SshEnd::closed:
      return "closed";
    case SshEnd::reset:
      return "reset";
    case SshEnd::disconnected:
      return "disconnected";
    case SshEnd::timeout:
      return "timeout";
    case SshEnd::disconnecting:
      break;
  }
  return "disconnecting";
}

std::string json_of(const std::vector<Repeated>& repeated) {
  std::string array;
  for (std::size_t i = 0; i < std::min(repeated.size(), most_repeated); ++i) {
    JsonObject each;
    each.add("what", repeated[i].what), each.add("count", repeated[i].count);
    array.append(array.empty() ? "" : ", ").append(each.text());
  }
  return "[" + array + "]";
}

struct SftpFields {
  JsonObject& out;
  std::string_view operator()(const sftp::event::ClientVersion& e) const {
    out.add("version", e.version);
    return "sftp.version";
  }
  std::string_view operator()(const sftp::event::Realpath& e) const {
    out.add("name", e.name);
    return "sftp.realpath";
  }
  std::string_view operator()(const sftp::event::Stat& e) const {
    out.add("name", e.name);
    return e.follow ? "sftp.stat" : "sftp.lstat";
  }
  std::string_view operator()(const sftp::event::Open& e) const {
    out.add("name", e.name);
    out.add("flags", sftp::flags_text(e.flags));
    return "sftp.open";
  }
  std::string_view operator()(const sftp::event::Close& e) const {
    out.add("name", e.name), out.add("read", e.read), out.add("written", e.written);
    out.add("forced", e.forced);
    return "sftp.close";
  }
  std::string_view operator()(const sftp::event::Opendir& e) const {
    out.add("name", e.name);
    return "sftp.opendir";
  }
  std::string_view operator()(const sftp::event::Closedir& e) const {
    out.add("name", e.name);
    out.add("forced", e.forced);
    return "sftp.closedir";
  }
  std::string_view operator()(const sftp::event::Remove& e) const {
    out.add("name", e.name);
    return "sftp.remove";
  }
  std::string_view operator()(const sftp::event::Mkdir& e) const {
    out.add("name", e.name);
    out.add("mode", e.mode);
    return "sftp.mkdir";
  }
  std::string_view operator()(const sftp::event::Rmdir& e) const {
    out.add("name", e.name);
    return "sftp.rmdir";
  }
  std::string_view operator()(const sftp::event::Pair& e) const {
    out.add("old", e.old_name);
    out.add("new", e.new_name);
    return sftp_event(e.request);
  }
  std::string_view operator()(const sftp::event::Named& e) const {
    out.add("name", e.name);
    return sftp_event(e.request);
  }
  std::string_view operator()(const sftp::event::SetSize& e) const {
    out.add("name", e.name);
    out.add("size", e.size);
    return "sftp.set";
  }
  std::string_view operator()(const sftp::event::SetMode& e) const {
    out.add("name", e.name);
    out.add("mode", e.mode);
    out.add("ignored", true);
    return "sftp.set";
  }
  std::string_view operator()(const sftp::event::ModeIgnored& e) const {
    out.add("name", e.name);
    out.add("mode", e.mode);
    return "sftp.mode_ignored";
  }
  std::string_view operator()(const sftp::event::SetModtime& e) const {
    out.add("name", e.name);
    out.add("modtime", static_cast<std::uint64_t>(e.modified));
    return "sftp.set";
  }
  std::string_view operator()(const sftp::event::SetOwner& e) const {
    out.add("name", e.name);
    out.add("uid", e.uid);
    out.add("gid", e.gid);
    return "sftp.set";
  }
  std::string_view operator()(const sftp::event::Refused& e) const {
    out.add("request", e.request);
    return "sftp.refused";
  }
  std::string_view operator()(const sftp::event::SentStatus& e) const {
    out.add("status", sftp::text_of(e.status));
    return "sftp.status";
  }
  std::string_view operator()(const sftp::event::Unknown& e) const {
    out.add("type", e.type);
    out.add("extension", e.extension);
    return "sftp.unknown";
  }
};

struct Fields {
  JsonObject& out;

  void session(std::uint64_t number, std::string_view user, std::string_view client) const {
    out.add("number", number), out.add("user", user), out.add("client", client);
  }
  void add(const TftpDetails& tftp) const {
    out.add("blksize", tftp.block_size), out.add("windowsize", tftp.window), out.add("resent", tftp.resent);
    out.add("netascii", tftp.netascii), out.add("by_broadcast", tftp.by_broadcast);
  }
  // Microseconds of CPU; `counts` as LoopTurns::bounds has them.
  std::string_view operator()(const TftpRequested& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("name", e.name),
        out.add("write", e.write);
    if (e.remapped)
      out.add_safe("remapped", escaped_path(e.remapped->to)), out.add("rule", rule_name(e.remapped->rule));
    return "tftp.requested";
  }
  std::string_view operator()(const TransferBegan& e) const {
    session(e.number, e.user, e.client);
    out.add("protocol", server::word(e.protocol)), out.add("asked", e.asked);
    out.add_safe("name", escaped_path(e.name)), out.add("write", e.write);
    if (e.size) out.add("size", *e.size);
    return "transfer.began";
  }
  std::string_view operator()(const TransferEnded& e) const {
    session(e.number, e.user, e.client);
    out.add("protocol", server::word(e.protocol)), out.add("asked", e.asked);
    out.add_safe("name", escaped_path(e.name)), out.add("write", e.write);
    if (e.size) out.add("size", *e.size);
    out.add("bytes", e.bytes), out.add("seconds", e.seconds);
    out.add("ended_by", server::word(e.how.by())), out.add("cause", server::word(e.how.cause));
    out.add("code", e.how.code), out.add("error", e.how.text);
    if (const auto remedy = remedy_of(e); !remedy.empty()) out.add("remedy", remedy, most_of_ours);
    if (e.tftp) add(*e.tftp);
    if (e.http) out.add("status", e.http->status), out.add("first", e.http->first);
    return "transfer.ended";
  }
  std::string_view operator()(const TftpRefused& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("code", static_cast<int>(e.code));
    out.add("by_broadcast", e.by_broadcast);
    return "tftp.refused";
  }
  std::string_view operator()(const TftpLimited& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("name", e.name),
        out.add("limit", limit_name(e.limit));
    return "tftp.limited";
  }
  std::string_view operator()(const TftpNoise& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("kind", word(e.kind));
    out.add("count", e.count), out.add("seconds", static_cast<std::uint64_t>(e.period.count()));
    out.add_raw("repeated", json_of(e.repeated));
    return "tftp.noise";
  }
  std::string_view operator()(const HttpRequested& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("method", e.method),
        out.add("name", e.name);
    if (e.remapped)
      out.add_safe("remapped", escaped_path(e.remapped->to)), out.add("rule", rule_name(e.remapped->rule));
    return "http.requested";
  }
  std::string_view operator()(const HttpAnswered& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("status", e.status);
    return "http.answered";
  }
  std::string_view operator()(const HttpLimited& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("name", e.name),
        out.add("limit", limit_name(e.limit));
    return "http.limited";
  }
  std::string_view operator()(const LeftOut& e) const {
    out.add("about", e.about), out.add("lines", e.lines);
    out.add("seconds", static_cast<std::uint64_t>(e.period.count()));
    return "log.left_out";
  }
  std::string_view operator()(const Missed& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("protocol", server::word(e.protocol));
    out.add("asked", e.asked);
    out.add("cause", cause_name(e.miss.cause)), out.add("what", e.miss.what),
        out.add("hint", e.miss.hint, most_of_ours);
    if (e.miss.nearest) out.add_safe("nearest", escaped_path(e.miss.nearest->text()));
    return "miss";
  }
  std::string_view operator()(const HostKey& e) const {
    out.add("type", e.type);
    out.add("fingerprint", e.fingerprint);
    return "ssh.host_key";
  }
  std::string_view operator()(const SshProbed& e) const {
    out.add("number", e.number);
    out.add("client", e.client);
    return "ssh.probed";
  }
  std::string_view operator()(const SshDropped& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("port", e.port);
    out.add("limit", limit_name(e.limit)), out.add("untold", e.untold);
    if (e.limit == SshLimit::penalty) out.add("offence", word(e.offence));
    return "ssh.dropped";
  }
  std::string_view operator()(const SshPenalised& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("offence", word(e.offence));
    out.add("seconds", static_cast<std::uint64_t>(e.period.count()));
    return "ssh.penalised";
  }
  std::string_view operator()(const SshNegotiated& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("banner", e.banner);
    out.add("kex", e.kex), out.add("host_key", e.host_key);
    out.add("cipher_in", e.cipher_in), out.add("cipher_out", e.cipher_out);
    out.add("mac_in", e.mac_in);
    out.add("mac_out", e.mac_out);
    return "ssh.negotiated";
  }
  std::string_view operator()(const SshMismatched& e) const {
    out.add("number", e.number), out.add("client", e.client), out.add("banner", e.banner),
        out.add("kind", e.kind);
    out.add("theirs", e.theirs, most_of_ours);
    out.add("ours", e.ours, most_of_ours);
    out.add("legacy_helps", e.legacy_helps);
    return "ssh.mismatched";
  }
  std::string_view operator()(const SshEnded& e) const {
    session(e.number, e.user, e.client);
    out.add("how", word(e.how));
    out.add("why", e.why);
    return "ssh.ended";
  }
  std::string_view operator()(const SshRefused& e) const {
    out.add("number", e.number);
    out.add("what", e.what);
    return "ssh.refused";
  }
  std::string_view operator()(const LoggedIn& e) const {
    session(e.number, e.user, e.client), out.add("method", e.method);
    if (!e.key.empty()) out.add("key", e.key);
    return "ssh.accepted";
  }
  std::string_view operator()(const WebLoggedIn& e) const {
    out.add("user", e.user), out.add("client", e.client), out.add("method", e.method);
    return "web.accepted";
  }
  std::string_view operator()(const WebLoginFailed& e) const {
    out.add("user", e.user), out.add("client", e.client), out.add("method", e.method);
    out.add("fault", server::word(e.fault));
    return "web.denied";
  }
  std::string_view operator()(const LoginFailed& e) const {
    session(e.number, e.user, e.client), out.add("method", e.method), out.add("fault", server::word(e.fault));
    if (!e.key.empty()) out.add("key", e.key);
    if (!e.similar.empty()) out.add("similar", e.similar);
    return "ssh.denied";
  }
  std::string_view operator()(const SessionOpened& e) const {
    session(e.number, e.user, e.client);
    return "sftp.opened";
  }
  std::string_view operator()(const SessionClosed& e) const {
    session(e.number, e.user, e.client);
    return "sftp.closed";
  }
  std::string_view operator()(const ScpFailed& e) const {
    out.add("number", e.number), out.add("name", e.name), out.add("message", e.text);
    out.add("by_client", e.by_client);
    return "scp.error";
  }
  std::string_view operator()(const SftpHappened& e) const {
    out.add("number", e.number);
    return std::visit(SftpFields{out}, e.what);
  }
  std::string_view operator()(const SftpRemapped& e) const {
    out.add("number", e.number), out.add("name", e.name),
        out.add_safe("remapped", escaped_path(e.remapped.to));
    out.add("rule", rule_name(e.remapped.rule));
    return "sftp.remapped";
  }
  std::string_view operator()(const ControllerSaid& e) const {
    out.add("client", e.client), out.add("host", e.host), out.add("kind", kind_name(e.said.kind));
    if (!e.said.url.empty()) out.add("url", e.said.url);
    if (!e.said.reason.empty()) out.add("reason", e.said.reason);
    if (!e.said.image.empty()) out.add("image", e.said.image);
    out.add("bad", e.bad), out.add_safe("finding", e.finding), out.add_safe("fix", e.fix);
    out.add("untold", e.untold);
    return "controller.said";
  }
  std::string_view operator()(const SyslogRefused& e) const {
    out.add("client", e.client), out.add("limit", limit_name(e.limit)), out.add("untold", e.untold);
    return "syslog.refused";
  }
  std::string_view operator()(const ImportStarted& e) const {
    out.add_safe("file", escaped_path(e.file));
    return "import.started";
  }
  std::string_view operator()(const ImportProgress& e) const {
    out.add_safe("file", escaped_path(e.file));
    out.add("done", e.done);
    out.add("total", e.total);
    return "import.progress";
  }
  std::string_view operator()(const Published& e) const {
    out.add_safe("file", escaped_path(e.file)), out.add_safe("path", escaped_path(e.imported.path)),
        out.add("members", e.imported.members);
    out.add("bytes", e.imported.bytes), out.add("already_there", e.imported.already_there),
        out.add("seconds", e.seconds);
    out.add("image", e.imported.image, most_of_archive), out.add("verified", e.imported.verified);
    return "import.published";
  }
  std::string_view operator()(const ImportRejected& e) const {
    out.add_safe("file", escaped_path(e.file));
    out.add("reason", e.reason, most_of_archive);
    out.add_safe("moved_to", escaped_path(e.moved_to));
    return "import.rejected";
  }
  std::string_view operator()(const ImportFailed& e) const {
    out.add_safe("file", escaped_path(e.file));
    out.add("reason", e.reason, most_of_archive);
    return "import.failed";
  }
  std::string_view operator()(const ImportGone& e) const {
    out.add_safe("file", escaped_path(e.file));
    out.add("replaced", e.replaced);
    return "import.gone";
  }
  std::string_view operator()(const DigestCompared& e) const {
    out.add_safe("file", escaped_path(e.compared.file)),
        out.add_safe("where", escaped_path(e.compared.where)),
        out.add_safe("path", escaped_path(e.compared.path));
    out.add("matches", e.compared.matches);
    return "import.digest";
  }
  std::string_view operator()(const DigestWaits& e) const {
    out.add_safe("file", escaped_path(e.file));
    return "import.digest_waits";
  }
  std::string_view operator()(const DropIgnored& e) const {
    out.add_safe("file", escaped_path(e.file));
    return "import.ignored";
  }
  std::string_view operator()(const Retired& e) const {
    out.add_safe("path", escaped_path(e.path)), out.add_safe("moved_to", escaped_path(e.moved_to));
    out.add("keep", e.keep);
    return "import.retired";
  }
  std::string_view operator()(const Started& e) const {
    out.add("version", e.version);
    return "server.started";
  }
  std::string_view operator()(const Acted& e) const {
    out.add("who", e.who), out.add("act", e.act);
    out.add("subject", e.subject, most_of_ours), out.add("outcome", e.outcome, most_of_ours);
    return "server.acted";
  }
  std::string_view operator()(const Reloaded& e) const {
    out.add_safe("file", escaped_path(e.file));
    return "server.reloaded";
  }
  std::string_view operator()(const ReloadFailed& e) const {
    out.add("reason", e.reason, most_of_ours);
    return "server.reload_failed";
  }
  std::string_view operator()(const Warned& e) const {
    out.add("kind", warning_name(e.kind)), out.add("warning", e.text, most_of_ours);
    return "server.warned";
  }
  std::string_view operator()(const RootGivenUp& e) const {
    out.add("user", e.user);
    out.add("uid", std::uint64_t{e.uid});
    return "server.root_given_up";
  }
  std::string_view operator()(const Stopping& e) const {
    out.add("transfers", e.transfers);
    out.add("sessions", e.sessions);
    return "server.stopping";
  }
  std::string_view operator()(const LoopMeasured& e) const {
    out.add("turns", e.turns.total()), out.add("longest_us", e.turns.longest.count() / 1000);
    out.add_raw("counts", fmt::format("[{}]", fmt::join(e.turns.counts, ", ")));
    return "server.loop";
  }
  std::string_view operator()(const Stopped&) const { return "server.stopped"; }
};

constexpr std::size_t most_of_text = 4 * most_of_line;  // an import's warnings are one text

}  // namespace

std::string event_kind(const Event& event) {
  JsonObject unused;
  return std::string(event.visit(Fields{unused}));
}

LogLine json_line(const Event& event) {
  JsonObject fields;
  const auto name = event.visit(Fields{fields});
  const auto lines = classic_lines(event);
  LogLine line = lines.back();
  for (const auto& classic : lines) {  // the line is as important as the most important of them
    line.level = std::min(line.level, classic.level);
    line.severity = std::min(line.severity, classic.severity);
  }
  line.level = std::min(line.level, level_of(event));  // a transfer's end, which classic lines tell otherwise
  fields.add("event", name);
  std::string text;
  for (const auto& classic : lines) text.append(text.empty() ? "" : "; ").append(classic.text);
  fields.add_safe("text", bounded_line(std::move(text), most_of_text));
  line.text = fields.text();
  return line;
}

}  // namespace server
