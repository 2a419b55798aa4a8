#include "server/doctor/firewall.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

#include "conf/tftp.hpp"
#include "server/doctor/nft_ruleset.hpp"

using namespace server::doctor;
using Fate = PacketFilter::Fate;

namespace {

constexpr Packet rrq{false, {69, 69}}, sftp{true, {22, 22}}, ack{false, {32768, 60999}, true};

std::string rule(const std::string& expressions, const char* chain = "input") {
  return fmt::format(R"({{"rule":{{"family":"inet","table":"f","chain":"{}","handle":2,"expr":[{}]}}}})",
                     chain, expressions);
}

std::string chain(const char* name, const char* more) {
  return fmt::format(R"({{"chain":{{"family":"inet","table":"f","name":"{}","handle":1{}}}}})", name, more);
}

// A table whose chain input has this policy, and these rules.
PacketFilter filter(const char* policy, const std::vector<std::string>& entries) {
  std::vector<std::string> all{
      R"({"metainfo":{"version":"1.0.6"}})",
      chain("input",
            fmt::format(R"(,"type":"filter","hook":"input","prio":0,"policy":"{}")", policy).c_str()),
      chain("other", "")};
  all.insert(all.end(), entries.begin(), entries.end());
  return parse_nft_ruleset(fmt::format(R"({{"nftables":[{}]}})", fmt::join(all, ",")));
}

Fate fate(const char* policy, const std::vector<std::string>& entries, const Packet& packet) {
  return filter(policy, entries).judge(packet).fate;
}

std::string match(const std::string& left, const std::string& right, const char* op = "==") {
  return fmt::format(R"({{"match":{{"op":"{}","left":{},"right":{}}}}})", op, left, right);
}

const std::string udp_port = R"({"payload":{"protocol":"udp","field":"dport"}})",
                  tcp_port = R"({"payload":{"protocol":"tcp","field":"dport"}})",
                  source = R"({"payload":{"protocol":"ip","field":"saddr"}})",
                  state = R"({"ct":{"key":"state"}})", interface = R"({"meta":{"key":"iifname"}})",
                  accepts = R"(,{"accept":null})", drops = R"(,{"drop":null})",
                  jump = R"(,{"jump":{"target":"other"}})";

}  // namespace

TEST_CASE("without a rule the policy decides, and without a chain nothing does") {
  CHECK(fate("accept", {}, rrq) == Fate::let_in);
  CHECK(fate("drop", {}, rrq) == Fate::dropped);
  CHECK(filter("drop", {}).judge(rrq).by->text() == "chain input of table inet f");
  const auto none = parse_nft_ruleset(R"({"nftables":[]})");
  CHECK(none.empty());
  CHECK(none.judge(rrq).fate == Fate::let_in);
  CHECK_FALSE(filter("accept", {}).empty());
}

TEST_CASE("a port is let in by its number, a set and a range") {
  for (const auto* right :
       {"69", R"({"set":[53,69]})", R"({"range":[60,70]})", R"({"set":[{"range":[1,69]}]})"}) {
    CHECK(fate("drop", {rule(match(udp_port, right) + accepts)}, rrq) == Fate::let_in);
    CHECK(fate("drop", {rule(match(tcp_port, right) + accepts)}, rrq) == Fate::dropped);
    CHECK(fate("accept", {rule(match(udp_port, right) + drops)}, rrq) == Fate::dropped);
  }
  CHECK(fate("drop", {rule(match(udp_port, "70") + accepts)}, rrq) == Fate::dropped);
  CHECK(fate("accept", {rule(match(tcp_port, "80", "!=") + drops)}, sftp) == Fate::dropped);
  CHECK(fate("accept", {rule(match(tcp_port, "80", "!=") + drops)}, rrq) == Fate::let_in);
  CHECK(fate("drop", {rule(match(udp_port, R"("@allowed")") + accepts)}, rrq) == Fate::unsure);
}

TEST_CASE("a rule about the loopback lets no device in, and one about another interface some") {
  CHECK(fate("drop", {rule(match(interface, R"("lo")") + accepts)}, rrq) == Fate::dropped);
  CHECK(fate("drop", {rule(match(interface, R"("lo")", "!=") + accepts)}, rrq) == Fate::let_in);
  CHECK(fate("drop", {rule(match(interface, R"("eth0")") + accepts)}, rrq) == Fate::unsure);
}

TEST_CASE("some senders only are let in: that is not sure") {
  CHECK(fate("drop", {rule(match(source, R"({"prefix":{"addr":"10.0.0.0","len":8}})") + accepts)}, rrq) ==
        Fate::unsure);
}

TEST_CASE("what belongs to a transfer is let in where established connections are") {
  for (const auto* right :
       {R"(["established","related"])", R"("established")", R"({"set":["established"]})"}) {
    CHECK(fate("drop", {rule(match(state, right, "in") + accepts)}, ack) == Fate::let_in);
    CHECK(fate("drop", {rule(match(state, right, "in") + accepts)}, rrq) == Fate::dropped);
  }
  const auto map = R"({"vmap":{"key":{"ct":{"key":"state"}},"data":{"set":[["invalid",{"drop":null}],)"
                   R"(["established",{"accept":null}]]}}})";
  CHECK(fate("drop", {rule(map)}, ack) == Fate::let_in);
  CHECK(fate("drop", {rule(map)}, rrq) == Fate::dropped);
}

TEST_CASE("a range of ports that is let in partly is not sure") {
  CHECK(fate("drop", {rule(match(udp_port, R"({"range":[30000,61000]})") + accepts)}, ack) == Fate::let_in);
  CHECK(fate("drop", {rule(match(udp_port, R"({"range":[40000,41000]})") + accepts)}, ack) == Fate::unsure);
}

TEST_CASE("other chains are followed, there and back") {
  const std::string udp_69 = match(udp_port, "69"),
                    any_udp = match(R"({"meta":{"key":"l4proto"}})", R"("udp")");
  CHECK(fate("drop", {rule(any_udp + jump), rule(udp_69 + accepts, "other")}, rrq) == Fate::let_in);
  CHECK(fate("drop",
             {rule(any_udp + jump), rule(udp_69 + R"(,{"return":null})", "other"),
              rule(any_udp + drops, "other"), rule(any_udp + accepts)},
             rrq) == Fate::let_in);
  CHECK(fate("drop", {rule(any_udp + R"(,{"goto":{"target":"other"}})"), rule(any_udp + accepts)}, rrq) ==
        Fate::dropped);
  CHECK(fate("drop", {rule(any_udp + R"(,{"jump":{"target":"nowhere"}})")}, rrq) == Fate::unsure);
  CHECK(fate("drop", {rule(any_udp + jump), rule(any_udp + jump, "other")}, rrq) ==
        Fate::unsure);  // a circle
}

TEST_CASE("counting and logging change nothing, a limit may, and what is not known may do anything") {
  const std::string udp_69 = match(udp_port, "69");
  CHECK(fate("drop",
             {rule(udp_69 + R"(,{"counter":{"packets":0,"bytes":0}},{"log":{"prefix":"x"}})" + accepts)},
             rrq) == Fate::let_in);
  CHECK(fate("accept", {rule(udp_69 + R"(,{"limit":{"rate":3,"per":"second"}})" + drops)}, rrq) ==
        Fate::unsure);
  CHECK(fate("accept", {rule(udp_69 + R"(,{"xt":{"type":"match","name":"conntrack"}})" + drops)}, rrq) ==
        Fate::unsure);
  CHECK(fate("accept", {rule(udp_69 + R"(,{"dnat":{"addr":"192.0.2.7"}})")}, rrq) == Fate::unsure);
  CHECK(fate("accept", {rule(udp_69 + R"(,{"dnat":{"addr":"192.0.2.7"}})")}, sftp) == Fate::let_in);
  CHECK(
      fate(
          "accept",
          {rule(
              R"({"match":{"op":"==","left":{"payload":{"protocol":"ip6","field":"saddr"}},"right":"::1"}})" +
              drops)},
          rrq) == Fate::let_in);
}

TEST_CASE("what is no ruleset is refused") {
  CHECK_THROWS_AS(parse_nft_ruleset("{"), std::runtime_error);
  CHECK_THROWS_AS(parse_nft_ruleset("{}"), std::runtime_error);
  CHECK_THROWS_AS(parse_nft_ruleset("[]"), std::runtime_error);
}

TEST_CASE("a port that the firewall drops fails, with the command of the tool that made the rules") {
  FirewallReading reading;
  reading.filter = filter("drop", {rule(match(tcp_port, "22") + accepts)});
  reading.local_ports = conf::PortRange{32768, 60999};
  CHECK(judge_firewall(reading, {69}, {22}).findings() ==
        std::vector<Finding>{{State::fails, "the firewall drops UDP 69, by chain input of table inet f",
                              "nft insert rule inet f input udp dport 69 accept"}});
  CHECK(judge_firewall(reading, {}, {22}).state() == State::ok);
  CHECK(judge_firewall(reading, {}, {22, 80}).findings().front().fix ==
        "nft insert rule inet f input tcp dport 80 accept");
  reading.has_ufw = true;
  CHECK(judge_firewall(reading, {69}, {}).findings().front().fix == "ufw allow 69/udp");
  reading.has_firewalld = true;
  CHECK(judge_firewall(reading, {69}, {}).findings().front().fix ==
        "firewall-cmd --permanent --add-port=69/udp && firewall-cmd --reload");
}

TEST_CASE("what devices answer must reach the ports of transfers") {
  FirewallReading reading;
  reading.filter = filter("drop", {rule(match(udp_port, "69") + accepts)});
  reading.local_ports = conf::PortRange{32768, 60999};
  conf::Tftp settings;
  settings.listen = {{"0.0.0.0", 69}};
  CHECK(judge_reply_ports(reading, settings).findings().front().fix == "tftp.single_port: true");
  settings.port_range = conf::PortRange{49152, 49251};
  CHECK(judge_reply_ports(reading, settings).findings().front().fix ==
        "nft insert rule inet f input udp dport 49152-49251 accept");
  settings.single_port = true;
  CHECK(judge_reply_ports(reading, settings).state() == State::ok);
  settings.single_port = false;
  reading.filter = filter("drop", {rule(match(state, R"("established")") + accepts)});
  CHECK(judge_reply_ports(reading, settings).state() == State::ok);
}

TEST_CASE("rules that cannot be read are unknown") {
  FirewallReading reading;
  reading.failure = "only root may read the firewall's rules";
  conf::Tftp settings;
  settings.listen = {{"0.0.0.0", 69}};
  CHECK(judge_firewall(reading, {69}, {22}).state() == State::unknown);
  CHECK(judge_reply_ports(reading, settings).state() == State::unknown);
}
