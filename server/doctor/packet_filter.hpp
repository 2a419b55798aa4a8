#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "conf/endpoint.hpp"

namespace server::doctor {

// An IPv4 packet that a device sends to this host, over any interface but the loopback, and as far as it is
// known: its sender may be anybody.
struct Packet {
  bool tcp = false;          // else UDP
  conf::PortRange port;      // one of these
  bool established = false;  // this host has sent to it before
};

// What a rule asks of a packet.
struct Condition {
  enum class About : std::uint8_t { protocol, port, state, interface, anything };
  About about = About::anything;  // `anything`: it cannot be told here
  bool negated = false;
  std::vector<std::string> words;      // protocols, states or interfaces that fit
  std::vector<conf::PortRange> ports;  // that fit
};

// One rule of a chain: where all conditions hold, it acts.
struct FilterRule {
  enum class Action : std::uint8_t { accept, drop, jump, go_to, back, none, unknown };
  std::vector<Condition> conditions;
  Action action = Action::none;
  std::string target;  // the chain, of jump and go_to
};

// A list of rules. One with a hook is where packets begin.
struct FilterChain {
  std::string family, table, name, hook;
  bool drops = false;  // what no rule decides
  std::vector<FilterRule> rules;
  std::string text() const;  // "chain input of table inet filter"; escaped
};

// The rules of this host's firewall, and what becomes of a packet: judged only as far as it is sure. Plain
// values; pure.
class PacketFilter {
 public:
  enum class Fate : std::uint8_t { let_in, dropped, unsure };
  struct Judgement {
    Fate fate = Fate::let_in;
    const FilterChain* by = nullptr;  // that drops it, or is not understood
  };

  FilterChain& add(FilterChain chain);
  FilterChain* find(const std::string& family, const std::string& table, const std::string& name);
  bool empty() const;  // no packet is looked at
  bool has_table(const std::string& name) const;

  Judgement judge(const Packet& packet) const;

 private:
  using Key = std::vector<std::string>;
  // The ends that are possible.
  struct Ends {
    bool accept = false, drop = false, go_on = false;
  };
  Ends ends(const FilterChain& chain, const Packet& packet, int depth) const;

  std::map<Key, FilterChain> chains_;
};

}  // namespace server::doctor
