#include "server/os/port_holder.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "server/loop/net.hpp"
#include "server/os/port_words.hpp"

using namespace server;

namespace {

std::string own_name() {
  std::ifstream file("/proc/self/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

TEST_CASE("the program that has a port is found by its process") {
  net::io_context loop;
  const udp::socket datagrams(loop, udp::endpoint(net::ip::address_v4::loopback(), 0));
  const tcp::acceptor connections(loop, tcp::endpoint(net::ip::address_v4::loopback(), 0));

  const auto udp_holder = holder_of_udp(datagrams.local_endpoint().port());
  const auto tcp_holder = holder_of_tcp(connections.local_endpoint().port());

  REQUIRE(udp_holder);
  REQUIRE(tcp_holder);
  CHECK(udp_holder->pid == static_cast<std::uint32_t>(::getpid()));
  CHECK(tcp_holder->pid == static_cast<std::uint32_t>(::getpid()));
  CHECK(udp_holder->program == own_name());
}

TEST_CASE("a port that nobody has is nobody's") {
  net::io_context loop;
  std::uint16_t port = 0;
  {
    const tcp::acceptor taken(loop, tcp::endpoint(net::ip::address_v4::loopback(), 0));
    port = taken.local_endpoint().port();
  }
  CHECK_FALSE(holder_of_tcp(port));
}

TEST_CASE("a control group names its unit") {
  CHECK(unit_in("/sys/fs/cgroup/system.slice/tftpd-hpa.service") == "tftpd-hpa.service");
  CHECK(unit_in("/system.slice/system-serial.slice/serial@ttyS0.service/sub/group") ==
        "serial@ttyS0.service");
  CHECK(unit_in("/init.scope") == "init.scope");
  CHECK(unit_in("/sys/fs/cgroup/system.slice/ssh.socket") == "ssh.socket");
  CHECK(unit_in("/user.slice/user-0.slice/session-3.scope").empty());
  CHECK(unit_in("").empty());
}

TEST_CASE("what a host cannot do without is not to be stopped, even where only its unit is known") {
  for (const auto& [holder, words] : std::vector<std::pair<PortHolder, std::string>>{
           {{"", 9, "ssh.service"}, "Port in /etc/ssh/sshd_config"},
           {{"", 9, "sshd.service"}, "Port in /etc/ssh/sshd_config"},
           {{"sshd", 9, ""}, "Port in /etc/ssh/sshd_config"},
           {{"", 1, "ssh.socket"}, "ListenStream= in `systemctl edit ssh.socket`"},
           {{"systemd", 1, "init.scope"}, "give that another port"},
           {{"", 9, "dnsmasq.service"}, "take enable-tftp out"}}) {
    CAPTURE(holder.unit);
    CHECK(way_out(holder).find(words) != std::string::npos);
    CHECK(way_out(holder).find("disable") == std::string::npos);
  }
  CHECK(way_out({"in.tftpd", 9, "tftpd-hpa.service"}) ==
        "`systemctl disable --now tftpd-hpa.service` stops it");
  CHECK(way_out({"", 1, "tftp.socket"}) == "`systemctl disable --now tftp.socket` stops it");
}
