#include "server/doctor/packet_filter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "server/text/escape.hpp"

namespace server::doctor {
namespace {

constexpr int deepest = 16;  // chains that call one another

enum class Answer : std::uint8_t { no, maybe, yes };

Answer negated(Answer answer) {
  if (answer == Answer::maybe) return answer;
  return answer == Answer::yes ? Answer::no : Answer::yes;
}

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

Answer among(const std::vector<conf::PortRange>& ranges, const conf::PortRange& port) {
  bool some = false;
  for (const auto& range : ranges) {
    if (range.first <= port.first && port.last <= range.last) return Answer::yes;
    some |= range.first <= port.last && port.first <= range.last;
  }
  return some ? Answer::maybe : Answer::no;
}

Answer plain_answer(const Condition& condition, const Packet& packet) {
  const auto yes_if = [](bool holds) { return holds ? Answer::yes : Answer::no; };
  switch (condition.about) {
    case Condition::About::protocol:
      return yes_if(has(condition.words, packet.tcp ? "tcp" : "udp"));
    case Condition::About::port:
      return among(condition.ports, packet.port);
    case Condition::About::state:
      return yes_if(has(condition.words, packet.established ? "established" : "new"));
    case Condition::About::interface:
      return std::ranges::all_of(condition.words, [](const auto& name) { return name == "lo"; })
                 ? Answer::no
                 : Answer::maybe;
    case Condition::About::anything:
      break;
  }
  return Answer::maybe;
}

// Whether all hold.
Answer answer_of(const FilterRule& rule, const Packet& packet) {
  auto all = Answer::yes;
  for (const auto& condition : rule.conditions) {
    const auto plain = plain_answer(condition, packet);
    all = std::min(all, condition.negated ? negated(plain) : plain);
  }
  return all;
}

bool sees_ipv4(const FilterChain& chain) {
  return chain.family == "ip" || chain.family == "inet" || chain.family == "netdev";
}

bool is_on_the_way_in(const FilterChain& chain) {
  return sees_ipv4(chain) && (chain.hook == "input" || chain.hook == "prerouting" || chain.hook == "ingress");
}

}  // namespace

std::string FilterChain::text() const {
  return fmt::format("chain {} of table {} {}", escaped(name), escaped(family), escaped(table));
}

FilterChain& PacketFilter::add(FilterChain chain) {
  Key key{chain.family, chain.table, chain.name};
  return chains_.insert_or_assign(std::move(key), std::move(chain)).first->second;
}

FilterChain* PacketFilter::find(const std::string& family, const std::string& table,
                                const std::string& name) {
  const auto found = chains_.find({family, table, name});
  return found == chains_.end() ? nullptr : &found->second;
}

bool PacketFilter::empty() const {
  return std::ranges::none_of(chains_, [](const auto& each) { return is_on_the_way_in(each.second); });
}

bool PacketFilter::has_table(const std::string& name) const {
  return std::ranges::any_of(chains_, [&](const auto& each) { return each.second.table == name; });
}

PacketFilter::Ends PacketFilter::ends(const FilterChain& chain, const Packet& packet, int depth) const {
  using Action = FilterRule::Action;
  constexpr Ends unknown{true, true, true};
  if (depth > deepest) return unknown;
  Ends found;
  for (const auto& rule : chain.rules) {
    const auto answer = answer_of(rule, packet);
    if (answer == Answer::no || rule.action == Action::none) continue;
    Ends act;
    switch (rule.action) {
      case Action::accept:
        act.accept = true;
        break;
      case Action::drop:
        act.drop = true;
        break;
      case Action::jump:
      case Action::go_to: {
        const auto target = chains_.find({chain.family, chain.table, rule.target});
        act = target == chains_.end() ? unknown : ends(target->second, packet, depth + 1);
        break;
      }
      case Action::back:
      case Action::none:
        break;
      case Action::unknown:
        act = unknown;
        break;
    }
    found.accept |= act.accept;
    found.drop |= act.drop;
    const bool leaves = rule.action == Action::back || rule.action == Action::go_to;
    if (leaves) found.go_on |= act.go_on || rule.action == Action::back;
    if (answer == Answer::yes && (leaves || !act.go_on)) return found;
  }
  found.go_on = true;
  return found;
}

PacketFilter::Judgement PacketFilter::judge(const Packet& packet) const {
  Judgement judgement;
  for (const auto& [key, chain] : chains_) {
    if (!is_on_the_way_in(chain)) continue;
    auto possible = ends(chain, packet, 0);
    if (possible.go_on) (chain.drops ? possible.drop : possible.accept) = true;
    if (!possible.drop) continue;
    if (!possible.accept) return {Fate::dropped, &chain};
    judgement = {Fate::unsure, &chain};
  }
  return judgement;
}

}  // namespace server::doctor
