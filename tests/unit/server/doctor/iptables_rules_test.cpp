#include "server/doctor/iptables_rules.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;
using Fate = PacketFilter::Fate;

namespace {

constexpr Packet rrq{false, {69, 69}}, sftp{true, {22, 22}}, ack{false, {32768, 60999}, true};

PacketFilter filter(const std::string& rules, const char* policy = "DROP") {
  PacketFilter filter;
  add_iptables_rules(std::string("# made by hand\n*filter\n:INPUT ") + policy +
                         " [1:2]\n:other - [0:0]\n:FORWARD DROP [0:0]\n" + rules + "COMMIT\n# end\n",
                     filter);
  return filter;
}

Fate fate(const std::string& rules, const Packet& packet, const char* policy = "DROP") {
  return filter(rules, policy).judge(packet).fate;
}

// Of ufw on Debian 12, and no more of it than decides.
const std::string ufw =
    ":ufw-before-input - [0:0]\n:ufw-not-local - [0:0]\n:ufw-user-input - [0:0]\n:ufw-logging-deny - [0:0]\n"
    "-A INPUT -j ufw-before-input\n"
    "-A ufw-before-input -i lo -j ACCEPT\n"
    "-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny\n"
    "-A ufw-before-input -m conntrack --ctstate INVALID -j DROP\n"
    "-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT\n"
    "-A ufw-before-input -j ufw-not-local\n"
    "-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT\n"
    "-A ufw-before-input -j ufw-user-input\n"
    "-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN\n"
    "-A ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN\n"
    "-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny\n"
    "-A ufw-not-local -j DROP\n"
    "-A ufw-logging-deny -m limit --limit 3/min -j LOG --log-prefix \"[UFW BLOCK] -j ACCEPT \"\n"
    "-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT\n";

}  // namespace

TEST_CASE("the policy decides what no rule does") {
  CHECK(fate("", rrq) == Fate::dropped);
  CHECK(fate("", rrq, "ACCEPT") == Fate::let_in);
  CHECK(filter("").judge(rrq).by->text() == "chain INPUT of table ip filter");
}

TEST_CASE("ports, ranges and lists of ports are understood") {
  CHECK(fate("-A INPUT -p udp -m udp --dport 69 -j ACCEPT\n", rrq) == Fate::let_in);
  CHECK(fate("-A INPUT -p tcp -m tcp --dport 69 -j ACCEPT\n", rrq) == Fate::dropped);
  CHECK(fate("-A INPUT -p udp -m udp --dport 60:70 -j ACCEPT\n", rrq) == Fate::let_in);
  CHECK(fate("-A INPUT -p tcp -m multiport --dports 21,22,80 -j ACCEPT\n", sftp) == Fate::let_in);
  CHECK(fate("-A INPUT -p tcp -m tcp ! --dport 22 -j DROP\n", sftp, "ACCEPT") == Fate::let_in);
  CHECK(fate("-A INPUT ! -i lo -p udp -j DROP\n", rrq, "ACCEPT") == Fate::dropped);
  CHECK(fate("-A INPUT -i lo -j ACCEPT\n", rrq) == Fate::dropped);
  CHECK(fate("-A INPUT -p udp -m udp --dport tftp -j ACCEPT\n", rrq) == Fate::unsure);
}

TEST_CASE("a sender and a foreign match are not sure, and a comment is no condition") {
  CHECK(fate("-A INPUT -s 10.0.0.0/8 -j ACCEPT\n", rrq) == Fate::unsure);
  CHECK(fate("-A INPUT -m recent --name x --rcheck -j DROP\n", rrq, "ACCEPT") == Fate::unsure);
  CHECK(fate("-A INPUT -p udp -m comment --comment \"let \\\"all\\\" -j DROP\" -j ACCEPT\n", rrq) ==
        Fate::let_in);
  CHECK(fate("-A INPUT -p udp -j NFQUEUE --queue-num 0\n", rrq, "ACCEPT") == Fate::unsure);
  CHECK(fate("-A INPUT -p udp -j LOG --log-prefix x\n", rrq, "ACCEPT") == Fate::let_in);
}

TEST_CASE("chains are followed, there and back") {
  CHECK(fate("-A INPUT -j other\n-A other -p udp -j ACCEPT\n", rrq) == Fate::let_in);
  CHECK(fate("-A INPUT -j other\n-A INPUT -j ACCEPT\n-A other -p udp -j RETURN\n-A other -j DROP\n", rrq) ==
        Fate::let_in);
  CHECK(fate("-A INPUT -g other\n-A INPUT -j ACCEPT\n", rrq) == Fate::dropped);
}

TEST_CASE("the rules of ufw are judged") {
  CHECK(fate(ufw, rrq) == Fate::dropped);
  CHECK(fate(ufw, sftp) == Fate::let_in);
  CHECK(fate(ufw, ack) == Fate::let_in);
  CHECK(fate(ufw + "-A ufw-user-input -p udp -m udp --dport 69 -j ACCEPT\n", rrq) == Fate::let_in);
}

TEST_CASE("a port that is led elsewhere is not sure, and another one is") {
  const std::string nat =
      "*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j "
      "DOCKER\n"
      "-A DOCKER ! -i docker0 -p udp -m udp --dport 69 -j DNAT --to-destination 172.17.0.2:69\nCOMMIT\n";
  PacketFilter filter;
  add_iptables_rules(nat, filter);
  CHECK(filter.judge(rrq).fate == Fate::unsure);
  CHECK(filter.judge(sftp).fate == Fate::let_in);
}

TEST_CASE("what is no output of iptables-save adds nothing") {
  PacketFilter filter;
  add_iptables_rules("*\n:\n-A\n-A x\n: \n:INPUT\nCOMMIT\n\"", filter);
  CHECK(filter.empty());
}
