#include "server/metrics/tally.hpp"

#include <algorithm>

#include "server/events/all.hpp"
#include "server/events/warning.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/limit_name.hpp"

namespace server {
namespace {

using namespace event;

std::string_view word_of_method(const std::string& method) {
  return method == "publickey" ? "publickey" : method == "password" ? "password" : "other";
}

struct Counter {
  Tally& tally;

  void operator()(const TftpRequested& e) const {
    ++tally.requests[{"tftp", "asked"}];
    if (e.remapped) ++tally.remaps[{storage::rule_name(e.remapped->rule), {}}];
  }
  void operator()(const TftpRefused&) const { ++tally.requests[{"tftp", "refused"}]; }
  void operator()(const TftpLimited&) const { ++tally.requests[{"tftp", "limited"}]; }
  void operator()(const TftpNoise& e) const {
    const bool unanswered = e.kind == Noise::unanswered;
    tally.requests[{"tftp", e.kind == Noise::refused ? "refused"
                            : unanswered             ? "unanswered"
                                                     : "limited"}] += e.count;
  }
  void operator()(const HttpRequested& e) const {
    ++tally.requests[{"http", "asked"}];
    if (e.remapped) ++tally.remaps[{storage::rule_name(e.remapped->rule), {}}];
  }
  void operator()(const HttpAnswered& e) const {
    ++tally.http_requests[{"images", e.status}];
    if (e.status >= 400) ++tally.requests[{"http", "refused"}];
  }
  void operator()(const HttpLimited& e) const {
    ++tally.requests[{"http", "limited"}];
    if (e.status != 0) ++tally.http_requests[{"images", e.status}];
  }
  void operator()(const SftpRemapped& e) const { ++tally.remaps[{storage::rule_name(e.remapped.rule), {}}]; }
  void operator()(const TransferEnded& e) const {
    const auto protocol = word(e.protocol);
    ++tally.transfers[{protocol, outcome_of(e)}];
    tally.bytes[{protocol, e.write ? "received" : "sent"}] += e.bytes;
    if (e.tftp) tally.resent += e.tftp->resent;
    if (e.http) ++tally.http_requests[{"images", e.http->status}];
    auto& histogram = tally.seconds[protocol];
    const auto place = std::ranges::lower_bound(Tally::durations, e.seconds) - Tally::durations.begin();
    ++histogram.counts[static_cast<std::size_t>(place)];
    histogram.sum += e.seconds;
  }
  void operator()(const Missed& e) const {
    ++tally.misses[{word(e.protocol), storage::cause_name(e.miss.cause)}];
  }
  void operator()(const LoggedIn& e) const { ++tally.logins[{word_of_method(e.method), "accepted"}]; }
  void operator()(const LoginFailed& e) const { ++tally.logins[{word_of_method(e.method), "failed"}]; }
  void operator()(const WebLoggedIn&) const { ++tally.logins[{"page", "accepted"}]; }
  void operator()(const WebLoginFailed&) const { ++tally.logins[{"page", "failed"}]; }
  void operator()(const SshDropped& e) const { tally.dropped[{limit_name(e.limit), {}}] += 1 + e.untold; }
  void operator()(const ControllerSaid& e) const {
    tally.controller_messages[{storage::kind_name(e.said.kind), {}}] += 1 + e.untold;
  }
  void operator()(const SyslogRefused& e) const { ++tally.syslog_refused[{limit_name(e.limit), {}}]; }
  void operator()(const Published&) const { ++tally.imports[{"published", {}}]; }
  void operator()(const ImportRejected&) const { ++tally.imports[{"rejected", {}}]; }
  void operator()(const ImportFailed&) const { ++tally.imports[{"failed", {}}]; }
  void operator()(const Warned& e) const { ++tally.warnings[{warning_name(e.kind), {}}]; }
  void operator()(const auto&) const {}
};

}  // namespace

void Tally::count(const Event& event) { event.visit(Counter{*this}); }

}  // namespace server
