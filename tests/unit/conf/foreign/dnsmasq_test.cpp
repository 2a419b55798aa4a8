#include "tests/support/translated.hpp"

using conf::Endpoint;

namespace {

Translated dnsmasq(const std::string& text) { return Translated(text, "/etc/dnsmasq.conf"); }

}  // namespace

TEST_CASE("a dnsmasq.conf for booting") {
  const auto made = dnsmasq(
      "port=0\ninterface=eth0\nbind-interfaces\ndhcp-range=192.0.2.50,192.0.2.150,12h\ndhcp-boot=pxelinux.0\n"
      "enable-tftp\ntftp-root=/var/ftpd\ntftp-no-blocksize  # for old clients\ntftp-max=100\n"
      "tftp-port-range=49152,49251\nlisten-address=192.0.2.2,2001:db8::2\n");

  CHECK(made.translation.program == "dnsmasq");
  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"192.0.2.2", 69}, {"2001:db8::2", 69}});
  CHECK(made.settings.tftp.max_block_size == 512);
  CHECK(made.settings.tftp.max_transfers == 100);
  CHECK(made.settings.tftp.max_transfers_per_address == 100);
  CHECK(made.settings.tftp.port_range == conf::PortRange{49152, 49251});
  CHECK(made.settings.ssh.listen.empty());
  CHECK(made.says(2, "listens on addresses, not on interfaces"));
  CHECK(made.says(7, "cp -r /var/ftpd/."));
  CHECK(made.says(0, "4 other settings"));
}

TEST_CASE("what has no equivalent in TFTP is told of") {
  const auto made = dnsmasq(
      "enable-tftp=eth0,eth1\ntftp-root=/srv/tftp,eth0\ntftp-secure\ntftp-unique-root=mac\ntftp-lowercase\n"
      "tftp-no-fail\ntftp-mtu=1500\ntftp-single-port\ntftp-port-range=5000,5100\nconf-dir=/etc/dnsmasq.d\n"
      "tftp-of-tomorrow\n");

  CHECK(made.settings.tftp.max_block_size == 1468);
  CHECK(made.settings.tftp.single_port);
  CHECK_FALSE(made.settings.tftp.port_range);
  CHECK(made.says(1, "eth0,eth1"));
  CHECK(made.says(2, "for some interfaces only"));
  CHECK(made.says(3, "whoever owns it"));
  CHECK(made.says(4, "a folder of its own"));
  CHECK(made.says(5, "in any case"));
  CHECK(made.says(6, "makes its depot"));
  CHECK(made.says(8, "tftp.allow"));
  CHECK(made.says(10, "is not read"));
  CHECK(made.says(11, "not known here"));
}

TEST_CASE("dnsmasq without TFTP has nothing to move") {
  CHECK_THROWS_WITH_AS(dnsmasq("domain-needed\nbogus-priv\n#enable-tftp\n#tftp-root=/var/ftpd\n"),
                       doctest::Contains("enable-tftp is not there"), conf::ConfigError);
}
