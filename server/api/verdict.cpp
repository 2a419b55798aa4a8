#include "server/api/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "server/api/fleet.hpp"
#include "server/text/json.hpp"

namespace server {
namespace {

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

class Verdicts {
 public:
  explicit Verdicts(const Situation& situation) : at_(situation) {}

  std::vector<Verdict> take() {
    if (at_.draining)
      add({Concern::look,
           "DRAINING",
           "the server ends once the running transfers have ended",
           {},
           {},
           "now"});
    for (const auto& each : at_.failing)
      add({Concern::fails, "DOCTOR", fmt::format("{}: {}", each.title, each.found), {}, each.fix, "health"});
    misses();
    for (const auto& each : at_.heard)
      add({Concern::look,
           "HEARD",
           fmt::format("{} says in its log: {}", each.speaker, each.text),
           {},
           each.fix,
           "misses"});
    if (at_.stalled > 0)
      add({Concern::look,
           "STALLED",
           counted(at_.stalled, "transfer has moved nothing for 10 seconds",
                   "transfers have moved nothing for 10 seconds"),
           "the device is gone, or the way to it loses what is sent",
           {},
           "now"});
    broken();
    for (const auto& each : at_.rejected)
      add({Concern::look,
           "IMPORT_REJECTED",
           fmt::format("{} was rejected", each.file),
           each.reason,
           {},
           "releases"});
    room();
    never_seen();
    constexpr std::int64_t soon = 30;
    if (at_.certificate_days && *at_.certificate_days < soon)
      add({Concern::look,
           "CERTIFICATE",
           *at_.certificate_days < 0
               ? "the certificate for HTTPS has ended: clients refuse it"
               : fmt::format("the certificate for HTTPS ends in {} days", *at_.certificate_days),
           {},
           "web.certificate, web.key",
           "health"});
    if (all_.empty()) add({Concern::ok, "OK", all_is_well(), {}, {}, "now"});
    return std::move(all_);
  }

 private:
  void add(Verdict verdict) { all_.push_back(std::move(verdict)); }

  // By cause, and by the folder that was asked for.
  void misses() {
    std::vector<std::pair<std::string, std::vector<const Situation::Miss*>>> groups;
    for (const auto& miss : at_.misses) {
      const auto key = miss.cause + " " + folder_of(miss.asked);
      auto group = std::ranges::find(groups, key, &decltype(groups)::value_type::first);
      if (group == groups.end()) group = groups.insert(groups.end(), {key, {}});
      group->second.push_back(&miss);
    }
    for (const auto& [key, group] : groups) {
      std::set<std::string> clients;
      for (const auto* miss : group) clients.insert(miss->client);
      const auto& newest = *group.front();
      auto who = newest.client;
      if (clients.size() > 1) who += fmt::format(" and {} more", clients.size() - 1);
      add({Concern::fails, "MISSES",
           fmt::format("{} got no image in the last 15 minutes: {}, {}",
                       counted(clients.size(), "device", "devices"), newest.cause, who),
           newest.text, newest.fix, "misses?cause=" + newest.cause});
    }
  }

  void broken() {
    std::map<std::pair<std::string, std::string>, std::vector<std::uint64_t>> ends;
    for (const auto& each : at_.broken) ends[{each.client, each.file}].push_back(each.bytes);
    for (const auto& [who, bytes] : ends) {
      const auto& [client, file] = who;
      std::string detail;
      if (bytes.size() > 1)
        detail = std::ranges::all_of(bytes, [&](auto each) { return each == bytes.front(); })
                     ? "always at the same byte: most likely its flash is full or damaged"
                     : "at different bytes: most likely the way to it loses packets";
      add({Concern::look,
           "BROKE_OFF",
           fmt::format("{} to {} broke off {} in the last 15 minutes", file, client,
                       bytes.size() == 1 ? "once" : fmt::format("{} times", bytes.size())),
           detail,
           {},
           "history?client=" + client});
    }
  }

  void room() {
    if (!at_.free || at_.largest == 0 || *at_.free >= 2 * at_.largest) return;
    add({Concern::look, "DISK",
         fmt::format("{} bytes are free, and an import needs up to twice the size of a release", *at_.free),
         fmt::format("the largest release has {} bytes", at_.largest),
         at_.oldest.empty() ? "" : "apdepot retire " + at_.oldest, "releases"});
  }

  void never_seen() {
    if (!at_.goal || !at_.goal->is_old || at_.goal->never_seen == 0) return;
    add({Concern::look, "NEVER_SEEN",
         fmt::format("{} asked for nothing since {} was published",
                     counted(at_.goal->never_seen, "expected device has", "expected devices have"),
                     at_.goal->version),
         "what a controller calls \"Timed out\" is not seen here: a firewall, or a wrong address",
         "apdepot doctor", "rollout?status=never_seen"});
  }

  std::string all_is_well() const {
    auto text = at_.running == 0
                    ? std::string("All is well: no transfer runs")
                    : fmt::format("All is well: {}", counted(at_.running, "transfer runs", "transfers run"));
    if (at_.goal && at_.goal->of > 0)
      text += fmt::format(", {} of {} have {}", at_.goal->have, at_.goal->of, at_.goal->version);
    return text;
  }

  const Situation& at_;
  std::vector<Verdict> all_;
};

}  // namespace

std::string_view word(Concern concern) {
  switch (concern) {
    case Concern::ok:
      return "ok";
    case Concern::look:
      return "look";
    case Concern::fails:
      break;
  }
  return "fails";
}

std::vector<Verdict> verdicts_of(const Situation& situation) { return Verdicts(situation).take(); }

std::string to_json(const Verdict& verdict) {
  JsonObject object;
  object.add_safe("state", word(verdict.state));
  object.add_safe("code", verdict.code);
  object.add_safe("text", bounded_line(verdict.text));
  object.add_safe("detail", bounded_line(verdict.detail));
  object.add_safe("fix", bounded_line(verdict.fix));
  object.add_safe("link", bounded_line(verdict.link));
  return object.text();
}

}  // namespace server
