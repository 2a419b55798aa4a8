#include "server/doctor/ports.hpp"

#include <doctest/doctest.h>

#include "conf/settings.hpp"
#include "server/loop/net.hpp"

using namespace server;
using namespace server::doctor;
using Bound = Port::Bound;

namespace {

const conf::Endpoint all{"0.0.0.0", 69}, high{"0.0.0.0", 6969};

Door tftp(Bound bound, std::optional<PortHolder> holder = {}) {
  Door door;
  door.service = "TFTP";
  door.transport = "UDP";
  door.key = "tftp.listen";
  door.usual = 69;
  door.wanted = {all};
  door.ports = {{all, bound, {}, std::move(holder)}};
  return door;
}

Door served(Door door, std::vector<conf::Endpoint> where) {
  door.running = true;
  door.served = std::move(where);
  door.pid = 7;
  return door;
}

std::string fix_of(const Door& door) { return judge_port(door).findings().front().fix; }

}  // namespace

TEST_CASE("a port that another program has fails, with the way to free it") {
  const auto hpa = tftp(Bound::taken, PortHolder{"in.tftpd", 154, "tftpd-hpa.service"});
  const auto result = judge_port(hpa);
  CHECK(result.findings() ==
        std::vector<Finding>{{State::fails, "in.tftpd (PID 154, tftpd-hpa.service) has UDP 0.0.0.0:69",
                              "systemctl disable --now tftpd-hpa.service"}});
  CHECK(fix_of(tftp(Bound::taken, PortHolder{"atftpd", 9, ""})) == "kill 9");
  CHECK(fix_of(tftp(Bound::taken, PortHolder{"dnsmasq", 9, "dnsmasq.service"}))
            .starts_with("take enable-tftp"));
  CHECK(fix_of(tftp(Bound::taken, PortHolder{"sshd", 9, "sshd.service"})).find("Port 2022") !=
        std::string::npos);
  CHECK(fix_of(tftp(Bound::taken)) == "ss -ulnp 'sport = :69'");
}

TEST_CASE("a free port and one that the server has are well") {
  CHECK(judge_port(tftp(Bound::free)).state() == State::ok);
  CHECK(judge_port(served(tftp(Bound::taken, PortHolder{"apdepot", 7, ""}), {all})).findings() ==
        std::vector<Finding>{{State::ok, "served on UDP 0.0.0.0:69", ""}});
}

TEST_CASE("systemd may hold a port for apdepot, and for nobody else") {
  auto door = tftp(Bound::taken, PortHolder{"systemd", 1, "init.scope"});
  CHECK(judge_port(door).state() == State::look);
  door.unit = "apdepot-tftp.socket";
  CHECK(judge_port(door).state() == State::ok);
  door = tftp(Bound::taken, PortHolder{"systemd", 1, "tftp.socket"});
  door.unit = "apdepot-tftp.socket";  // apdepot's is enabled, and could not be opened
  CHECK(judge_port(door).findings().front().found == "systemd holds UDP 0.0.0.0:69 for tftp.socket");
}

TEST_CASE("a server that serves elsewhere is to look at, and one that serves nothing fails") {
  const auto elsewhere = judge_port(served(tftp(Bound::free), {high}));
  CHECK(elsewhere.state() == State::look);
  REQUIRE(elsewhere.findings().size() == 2);
  CHECK(elsewhere.findings()[0].found ==
        "the server serves TFTP on 0.0.0.0:6969, and not on 0.0.0.0:69, as tftp.listen says");
  CHECK(elsewhere.findings()[1].found ==
        "controllers ask for TFTP on UDP 69 only, and it is served on 0.0.0.0:6969");
  CHECK(elsewhere.findings()[0].fix == "systemctl restart apdepot");
  auto by_unit = served(tftp(Bound::free), {high});
  by_unit.unit = "apdepot-tftp.socket";
  CHECK(judge_port(by_unit).findings()[0].fix ==
        "systemctl edit apdepot-tftp.socket && systemctl stop apdepot-tftp.socket && systemctl restart "
        "apdepot");
  CHECK(judge_port(served(tftp(Bound::free), {})).state() == State::fails);
}

TEST_CASE("images over HTTP may have any port") {
  auto door = served(tftp(Bound::taken, PortHolder{"apdepot", 7, ""}), {high});
  door.wanted = {high};
  door.ports.front().endpoint = high;
  CHECK(judge_port(door).state() == State::look);
  door.usual = 0;
  CHECK(judge_port(door).state() == State::ok);
}

TEST_CASE("a protocol that is switched off is well") {
  auto door = tftp(Bound::free);
  door.wanted.clear();
  door.ports.clear();
  CHECK(judge_port(door).state() == State::ok);
}

TEST_CASE("a port that may not be bound fails for want of a right, unless systemd opens it") {
  auto door = tftp(Bound::denied);
  CHECK(judge_port(door).state() == State::ok);
  const auto result = judge_port_rights({door}, 1024, false);
  CHECK(result.state() == State::fails);
  CHECK(result.findings().front().fix == "sysctl -w net.ipv4.ip_unprivileged_port_start=69");
  CHECK(judge_port_rights({door}, 69, false).state() == State::ok);
  CHECK(judge_port_rights({served(door, {all})}, 1024, false).state() == State::ok);
  door.unit = "apdepot-tftp.socket";
  CHECK(judge_port_rights({door}, 1024, false).state() == State::ok);
  CHECK(judge_port_rights({tftp(Bound::free)}, 1024, true).state() == State::ok);
}

TEST_CASE("ports are tried out: one is free, one is taken, and one has no address here") {
  net::io_context loop;
  const auto here = net::ip::address_v4::loopback();
  const tcp::acceptor taken(loop, tcp::endpoint(here, 0));
  const auto port = taken.local_endpoint().port();
  conf::Settings settings;
  settings.ssh.listen = {{"127.0.0.1", port}, {"127.0.0.1", 0}, {"192.0.2.77", port}};
  settings.tftp.listen = {{"127.0.0.1", port}};
  settings.http.listen = {{{"127.0.0.1", port}, true}};
  const auto ports = read_ports(settings);
  REQUIRE(ports.ssh.size() == 2);
  CHECK(ports.ssh[0].bound == Bound::taken);
  CHECK(ports.ssh[0].holder.has_value());
  CHECK(ports.ssh[1].bound == Bound::no_address);
  REQUIRE(ports.http.size() == 1);
  CHECK(ports.http[0].bound == Bound::taken);
  REQUIRE(ports.tftp.size() == 1);
  CHECK(ports.tftp[0].bound == Bound::free);
  CHECK(addresses_gone(ports) == std::vector<conf::Endpoint>{{"192.0.2.77", port}});
}
