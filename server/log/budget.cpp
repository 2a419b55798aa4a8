#include "server/log/budget.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "conf/log.hpp"
#include "server/events/all.hpp"
#include "server/events/source.hpp"
#include "server/log/level.hpp"
#include "server/text/ending_text.hpp"

namespace server {
namespace {

using Kind = LogBudget::Kind;
using namespace event;

// Those beyond share one purse: forged addresses cost nothing.
constexpr std::size_t most_sources = 10'000;
constexpr std::size_t most_sessions = 10'000;
constexpr std::size_t most_named = 50;  // of those with lines left out in a period
constexpr std::size_t bytes_of_one = 512;

Kind of(Protocol protocol, bool trouble) {
  if (protocol == Protocol::tftp) return trouble ? Kind::tftp_trouble : Kind::tftp;
  if (protocol == Protocol::http) return trouble ? Kind::http_trouble : Kind::http;
  return trouble ? Kind::ssh_trouble : Kind::ssh;
}

struct KindOf {
  Kind operator()(const TftpRequested&) const { return Kind::tftp; }
  Kind operator()(const TftpRefused&) const { return Kind::tftp; }
  Kind operator()(const TransferBegan& e) const { return of(e.protocol, false); }
  Kind operator()(const TransferEnded& e) const { return of(e.protocol, is_trouble(e)); }
  Kind operator()(const HttpRequested&) const { return Kind::http; }
  Kind operator()(const HttpAnswered&) const { return Kind::http; }
  Kind operator()(const HttpLimited&) const { return Kind::http_trouble; }
  Kind operator()(const TftpLimited&) const { return Kind::tftp_trouble; }
  Kind operator()(const TftpNoise&) const { return Kind::tftp_trouble; }
  Kind operator()(const Missed& e) const { return of(e.protocol, true); }
  Kind operator()(const SshEnded& e) const { return e.user.empty() ? Kind::ssh_trouble : Kind::ssh; }
  Kind operator()(const SshDropped&) const { return Kind::ssh_trouble; }
  Kind operator()(const SshMismatched&) const { return Kind::ssh_trouble; }
  Kind operator()(const SshRefused&) const { return Kind::ssh_trouble; }
  Kind operator()(const SshPenalised&) const { return Kind::login; }
  Kind operator()(const LoggedIn&) const { return Kind::login; }
  Kind operator()(const LoginFailed&) const { return Kind::login; }
  Kind operator()(const WebLoggedIn&) const { return Kind::login; }
  Kind operator()(const WebLoginFailed&) const { return Kind::login; }
  Kind operator()(const ControllerSaid&) const { return Kind::syslog; }
  Kind operator()(const SyslogRefused&) const { return Kind::syslog; }
  Kind operator()(const ImportStarted&) const { return Kind::imports; }
  Kind operator()(const ImportProgress&) const { return Kind::imports; }
  Kind operator()(const Published&) const { return Kind::imports; }
  Kind operator()(const ImportRejected&) const { return Kind::imports; }
  Kind operator()(const ImportFailed&) const { return Kind::imports; }
  Kind operator()(const ImportGone&) const { return Kind::imports; }
  Kind operator()(const DigestCompared&) const { return Kind::imports; }
  Kind operator()(const DigestWaits&) const { return Kind::imports; }
  Kind operator()(const DropIgnored&) const { return Kind::imports; }
  Kind operator()(const Retired&) const { return Kind::imports; }
  template <class Other>
  Kind operator()(const Other&) const {
    return requires(Other e) { e.number; }
    ? Kind::ssh : Kind::ours;
  }
};

// As far as the event says it. The number is that of a session, or of a TFTP request, and 0 for none.
struct Client {
  std::string address, user;
  std::uint64_t number = 0;
};
struct ClientOf {
  template <class Any>
  Client operator()(const Any& e) const {
    Client found;
    if constexpr (requires { e.client; }) found.address = log_source(e.client);
    if constexpr (requires { e.user; }) found.user = e.user;
    if constexpr (requires { e.number; }) found.number = e.number;
    return found;
  }
};

}  // namespace

bool LogBudget::takes(const Event& event, conf::LogLevel level, Clock::time_point now) {
  learn(event);
  if (level_of(event) > level) return false;
  if (now >= ends() && !owes()) begin(now);
  const auto kind = event.visit(KindOf{});
  const auto place = static_cast<std::size_t>(kind);
  const auto& purse = purses[place];
  auto client = kind == Kind::ours ? Client{} : event.visit(ClientOf{});
  if (const auto session = sessions_.find(client.number); session != sessions_.end()) {
    if (client.address.empty()) client.address = session->second.address;
    if (client.user.empty()) client.user = session->second.user;
  }
  // A failed login does not prove the user, so it must not spend that user's budget.
  if (kind == Kind::login) client.user.clear();
  Source* const from = client.address.empty() ? nullptr : &source(client.address);
  Source* const by = client.user.empty() ? nullptr : &source("user " + client.user);
  auto& all = told_[place];
  // The last quarter is for those who have had little.
  const auto share = [&](std::uint32_t most) { return all >= purse.all / 4 * 3 ? most / 10 : most; };
  const bool too_much = from && from->told[place] >= share(purse.address);
  const bool too_much_by = by && by->told[place] >= share(purse.user);
  spending_ = {&all, from ? &from->told[place] : nullptr, by ? &by->told[place] : nullptr};
  if (!too_much && !too_much_by && all < purse.all) return true;
  ++left_out_;
  if (auto* const whose = too_much_by && !too_much ? by : from ? from : by) ++whose->left_out;
  return false;
}

void LogBudget::begin(Clock::time_point now) {
  began_ = now;
  sources_.clear();
  spending_ = {};
  told_ = {};
}

void LogBudget::spend(std::size_t bytes) {
  const auto cost = static_cast<std::uint32_t>(1 + bytes / bytes_of_one);
  for (auto* const count : spending_) {
    if (count) *count += cost;
  }
}

void LogBudget::learn(const Event& event) {
  if (const auto* negotiated = event.get_if<SshNegotiated>()) {
    if (sessions_.size() >= most_sessions) sessions_.erase(sessions_.begin());
    sessions_[negotiated->number].address = log_source(negotiated->client);
  } else if (const auto* login = event.get_if<LoggedIn>()) {
    const auto session = sessions_.find(login->number);
    if (session != sessions_.end()) session->second.user = login->user;
  } else if (const auto* ended = event.get_if<SshEnded>()) {
    sessions_.erase(ended->number);
  }
}

LogBudget::Source& LogBudget::source(const std::string& name) {
  const auto place = sources_.find(name);
  if (place != sources_.end()) return place->second;
  return sources_[sources_.size() < most_sources ? name : ""];
}

std::vector<LeftOut> LogBudget::left_out(Clock::time_point now) {
  std::vector<LeftOut> sums;
  for (const auto& [name, source] : sources_) {
    if (source.left_out > 0 && !name.empty()) sums.push_back({name, source.left_out, period});
  }
  std::ranges::stable_sort(sums, std::greater{}, &LeftOut::lines);
  if (sums.size() > most_named) sums.resize(most_named);
  auto rest = std::exchange(left_out_, 0);
  for (const auto& sum : sums) rest -= sum.lines;
  if (rest > 0) sums.push_back({"others", rest, period});
  begin(now);
  return sums;
}

}  // namespace server
