#include "server/doctor/nft_ruleset.hpp"
#include "server/text/json_reader.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace server::doctor {
namespace {

using About = Condition::About;
using Action = FilterRule::Action;

// The one member that an object of nft's has: its kind, and what it says.
std::pair<std::string, YAML::Node> only_member(const YAML::Node& node) {
  if (!node.IsMap() || node.size() != 1) return {};
  return {node.begin()->first.as<std::string>(""), node.begin()->second};
}

// A value, a list of values, or a set of them; each as YAML has it.
std::vector<YAML::Node> values_in(const YAML::Node& right) {
  std::vector<YAML::Node> values;
  const auto add_all = [&](const YAML::Node& list) {
    for (const auto& each : list) values.push_back(each);
  };
  if (right.IsSequence()) {
    add_all(right);
  } else if (const auto [kind, inner] = only_member(right); kind == "set" && inner.IsSequence()) {
    add_all(inner);
  } else {
    values.push_back(right);
  }
  return values;
}

// Words alone; nothing where one of them is something else, such as the name of a set.
std::optional<std::vector<std::string>> words_in(const YAML::Node& right) {
  std::vector<std::string> words;
  for (const auto& value : values_in(right)) {
    if (!value.IsScalar()) return {};
    words.push_back(value.as<std::string>(""));
    if (words.back().empty() || words.back().front() == '@') return {};
  }
  return words;
}

std::optional<std::uint16_t> port_in(const YAML::Node& value) {
  std::uint16_t port = 0;
  if (!value.IsScalar() || !YAML::convert<std::uint16_t>::decode(value, port)) return {};
  return port;
}

std::optional<std::vector<conf::PortRange>> ports_in(const YAML::Node& right) {
  std::vector<conf::PortRange> ports;
  for (const auto& value : values_in(right)) {
    const auto [kind, ends] = only_member(value);
    if (kind == "range" && ends.IsSequence() && ends.size() == 2) {
      const auto first = port_in(ends[0]), last = port_in(ends[1]);
      if (!first || !last) return {};
      ports.push_back({*first, *last});
    } else if (const auto port = port_in(value)) {
      ports.push_back({*port, *port});
    } else {
      return {};
    }
  }
  return ports;
}

Condition of_words(About about, bool negated, const YAML::Node& right) {
  auto words = words_in(right);
  if (!words) return {};
  for (auto& word : *words) {  // as numbers, in some versions
    if (about == About::protocol && word == "17") word = "udp";
    if (about == About::protocol && word == "6") word = "tcp";
  }
  return {about, negated, std::move(*words), {}};
}

Condition of_ports(bool negated, const YAML::Node& right) {
  auto ports = ports_in(right);
  if (!ports) return {};
  return {About::port, negated, {}, std::move(*ports)};
}

// That no packet over IPv4 fits.
Condition nothing() { return {About::protocol, false, {}, {}}; }

// `left` compared with `right`, as conditions that must all hold.
std::vector<Condition> conditions_of(const YAML::Node& left, bool negated, const YAML::Node& right) {
  const auto [kind, what] = only_member(left);
  if (kind == "meta" || kind == "ct") {
    const auto key = member<std::string>(what, "key").value_or("");
    if (kind == "ct") {
      return {key == "state" ? of_words(About::state, negated, right) : Condition{}};
    }
    if (key == "l4proto") return {of_words(About::protocol, negated, right)};
    if (key == "iifname" || key == "iif") return {of_words(About::interface, negated, right)};
    const auto words = words_in(right);
    if (key == "nfproto" && words && words->size() == 1)
      return (words->front() == "ipv4") != negated ? std::vector<Condition>{} : std::vector{nothing()};
    return {Condition{}};
  }
  if (kind != "payload") return {Condition{}};
  const auto protocol = member<std::string>(what, "protocol").value_or(""),
             field = member<std::string>(what, "field").value_or("");
  if (protocol == "ip6" || protocol == "icmpv6") return {nothing()};
  if (protocol == "ip" && field == "protocol") return {of_words(About::protocol, negated, right)};
  const auto wanted = field == "dport" ? of_ports(negated, right) : Condition{};
  if (protocol == "ip" || protocol == "th") return {protocol == "th" ? wanted : Condition{}};
  if (protocol.empty()) return {Condition{}};
  return {Condition{About::protocol, false, {protocol}, {}}, wanted};
}

// accept, drop and their kind; nothing for what is none of them.
std::optional<FilterRule> verdict_of(const std::string& kind, const YAML::Node& what) {
  const auto target = [&what] { return member<std::string>(what, "target").value_or(""); };
  if (kind == "accept") return FilterRule{{}, Action::accept, {}};
  if (kind == "drop" || kind == "reject") return FilterRule{{}, Action::drop, {}};
  if (kind == "return") return FilterRule{{}, Action::back, {}};
  if (kind == "continue") return FilterRule{};
  if (kind == "jump") return FilterRule{{}, Action::jump, target()};
  if (kind == "goto") return FilterRule{{}, Action::go_to, target()};
  return {};
}

bool changes_nothing(const std::string& kind) {
  return kind == "counter" || kind == "log" || kind == "comment" || kind == "set" || kind == "dup";
}

bool is_opaque_condition(const std::string& kind, const YAML::Node& what) {
  return kind == "limit" || kind == "quota" || kind == "ct count" || kind == "meter" ||
         (kind == "xt" && member<std::string>(what, "type") == "match");
}

void append(std::vector<Condition>& all, std::vector<Condition> more) {
  for (auto& each : more) all.push_back(std::move(each));
}

// A map from values to verdicts: a rule for each.
std::vector<FilterRule> rules_of_map(const std::vector<Condition>& before, const YAML::Node& map) {
  std::vector<FilterRule> rules;
  const auto [kind, pairs] = only_member(map["data"]);
  if (kind != "set" || !pairs.IsSequence()) return {FilterRule{before, Action::unknown, {}}};
  for (const auto& pair : pairs) {
    if (!pair.IsSequence() || pair.size() != 2) return {FilterRule{before, Action::unknown, {}}};
    const auto [name, what] = only_member(pair[1]);
    auto rule = verdict_of(name, what).value_or(FilterRule{{}, Action::unknown, {}});
    rule.conditions = before;
    append(rule.conditions, conditions_of(map["key"], false, pair[0]));
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::vector<FilterRule> rules_of(const YAML::Node& statements) {
  std::vector<Condition> conditions;
  for (const auto& statement : statements) {
    const auto [kind, what] = only_member(statement);
    if (kind == "match") {
      const auto op = member<std::string>(what, "op").value_or("");
      if (op == "==" || op == "in" || op == "!=") {
        append(conditions, conditions_of(what["left"], op == "!=", what["right"]));
      } else {
        conditions.emplace_back();
      }
    } else if (is_opaque_condition(kind, what)) {
      conditions.emplace_back();
    } else if (auto verdict = verdict_of(kind, what)) {
      verdict->conditions = std::move(conditions);
      return {std::move(*verdict)};
    } else if (kind == "vmap") {
      return rules_of_map(conditions, what);
    } else if (!changes_nothing(kind)) {
      return {FilterRule{std::move(conditions), Action::unknown, {}}};
    }
  }
  return {};
}

}  // namespace

PacketFilter parse_nft_ruleset(const std::string& json) {
  const auto document = read_json(json, "what nft printed");
  if (!document.IsMap() || !document["nftables"].IsSequence())
    throw std::runtime_error("what nft printed is not a ruleset");
  PacketFilter filter;
  const auto text = [](const YAML::Node& of, const char* key) {
    return member<std::string>(of, key).value_or("");
  };
  for (const auto& entry : document["nftables"]) {
    const auto [kind, what] = only_member(entry);
    if (kind == "chain") {
      filter.add({text(what, "family"),
                  text(what, "table"),
                  text(what, "name"),
                  text(what, "hook"),
                  text(what, "policy") == "drop",
                  {}});
    } else if (kind == "rule") {
      auto* chain = filter.find(text(what, "family"), text(what, "table"), text(what, "chain"));
      if (chain == nullptr || !what["expr"]) continue;
      for (auto& rule : rules_of(what["expr"])) chain->rules.push_back(std::move(rule));
    }
  }
  return filter;
}

}  // namespace server::doctor
