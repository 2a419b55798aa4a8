#include "server/doctor/iptables_rules.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

namespace server::doctor {
namespace {

using About = Condition::About;
using Action = FilterRule::Action;

// The words of a line; what stands in quotes is one.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false, begun = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      quoted = !quoted;
      begun = true;
    } else if (c == '\\' && quoted && i + 1 < line.size()) {
      word += line[++i];
    } else if (c == ' ' && !quoted) {
      if (begun) words.push_back(std::exchange(word, {}));
      begun = false;
    } else {
      word += c;
      begun = true;
    }
  }
  if (begun) words.push_back(word);
  return words;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

std::optional<std::uint16_t> port_in(const std::string& text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return port;
}

// "22", "22,80", "60:70".
Condition of_ports(bool negated, const std::string& text) {
  Condition condition{About::port, negated, {}, {}};
  for (const auto& part : split(text, ',')) {
    const auto ends = split(part, ':');
    const auto first = ends.empty() ? std::nullopt : port_in(ends.front()),
               last = ends.empty() ? std::nullopt : port_in(ends.back());
    if (!first || !last) return {};
    condition.ports.push_back({*first, *last});
  }
  return condition;
}

Condition of_states(bool negated, std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return {About::state, negated, split(text, ','), {}};
}

// Always, or never.
Condition constant(bool holds) { return {About::protocol, holds, {}, {}}; }

bool is_known_match(const std::string& name) {
  for (const auto* known : {"tcp", "udp", "multiport", "conntrack", "state", "comment", "addrtype"})
    if (name == known) return true;
  return false;
}

// What one option says; nothing where it says nothing about packets.
std::optional<Condition> condition_of(const std::string& option, bool negated, const std::string& value) {
  if (option == "-p" && value == "all") return {};
  if (option == "-p") return Condition{About::protocol, negated, {value}, {}};
  if (option == "-i") return Condition{About::interface, negated, {value}, {}};
  if (option == "--dport" || option == "--dports") return of_ports(negated, value);
  if (option == "--ctstate" || option == "--state") return of_states(negated, value);
  if (option == "--comment" || (option == "-m" && is_known_match(value))) return {};
  // The packet is sent to an address of this host.
  if (option == "--dst-type") return constant((value == "LOCAL") != negated);
  return Condition{};
}

void set_action(FilterRule& rule, const std::string& target, bool leaves,
                const std::vector<std::string>& chains) {
  const auto is_one_of = [&](std::initializer_list<const char*> names) {
    return std::ranges::find(names, target, [](const char* name) { return std::string(name); }) !=
           names.end();
  };
  if (target == "ACCEPT") {
    rule.action = Action::accept;
  } else if (is_one_of({"DROP", "REJECT"})) {
    rule.action = Action::drop;
  } else if (target == "RETURN") {
    rule.action = Action::back;
  } else if (std::ranges::find(chains, target) != chains.end()) {
    rule.action = leaves ? Action::go_to : Action::jump;
    rule.target = target;
  } else if (!is_one_of({"LOG", "NFLOG", "ULOG", "MARK", "CONNMARK"})) {
    rule.action = Action::unknown;
  }
}

FilterRule rule_of(const std::vector<std::string>& words, const std::vector<std::string>& chains) {
  FilterRule rule;
  bool negated = false;
  for (std::size_t i = 2; i < words.size(); ++i) {  // after "-A CHAIN"
    const auto& word = words[i];
    if (word == "!") {
      negated = true;
      continue;
    }
    if (!word.starts_with('-')) continue;  // one more value of an option
    const auto value = i + 1 < words.size() ? words[i + 1] : std::string();
    if (word == "-j" || word == "-g") {  // what follows is the target's own
      set_action(rule, value, word == "-g", chains);
      break;
    }
    if (auto condition = condition_of(word, negated, value)) rule.conditions.push_back(std::move(*condition));
    negated = false;
  }
  return rule;
}

std::string hook_of(const std::string& chain) {
  if (chain == "INPUT") return "input";
  return chain == "PREROUTING" ? "prerouting" : "";
}

// One table, from "*filter" to "COMMIT".
struct Table {
  std::string name;
  std::vector<std::string> chains;
  std::vector<std::vector<std::string>> rules;
};

void add_table(const Table& table, PacketFilter& filter) {
  for (const auto& words : table.rules)
    if (auto* chain = filter.find("ip", table.name, words[1]))
      chain->rules.push_back(rule_of(words, table.chains));
}

}  // namespace

void add_iptables_rules(const std::string& saved, PacketFilter& filter) {
  Table table;
  std::istringstream in(saved);
  for (std::string line; std::getline(in, line);) {
    const auto words = words_of(line);
    if (words.empty() || line.starts_with('#')) continue;
    if (line.starts_with('*')) {
      table = {line.substr(1), {}, {}};
    } else if (line.starts_with(':') && words.size() > 1) {
      const auto name = words.front().substr(1);
      table.chains.push_back(name);
      filter.add({"ip", table.name, name, hook_of(name), words[1] == "DROP", {}});
    } else if (words.front() == "-A" && words.size() > 1) {
      table.rules.push_back(words);
    } else if (line == "COMMIT") {
      add_table(table, filter);
    }
  }
}

}  // namespace server::doctor
