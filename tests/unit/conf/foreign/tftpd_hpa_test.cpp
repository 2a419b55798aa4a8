#include <string>

#include "tests/support/translated.hpp"

using conf::Endpoint;
using conf::LogLevel;

namespace {

storage::Path path(std::string_view text) { return storage::Path::parse(text).value(); }

constexpr auto file = "/etc/default/tftpd-hpa";

Translated options(const std::string& text) {
  return Translated("TFTP_DIRECTORY=/srv/tftp\nTFTP_ADDRESS=\":69\"\nTFTP_OPTIONS=\"" + text + "\"\n", file);
}

}  // namespace

TEST_CASE("Debian's own /etc/default/tftpd-hpa") {
  const Translated made(
      "# "
      "/etc/default/tftpd-hpa\n\nTFTP_USERNAME=\"tftp\"\nTFTP_DIRECTORY=\"/srv/tftp\"\nTFTP_ADDRESS=\":69\"\n"
      "TFTP_OPTIONS=\"--secure\"\n",
      file);

  CHECK(made.translation.program == "tftpd-hpa");
  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"0.0.0.0", 69}, {"::", 69}});
  CHECK(made.settings.ssh.listen.empty());
  CHECK(made.settings.lookup.aliases.empty());
  CHECK_FALSE(made.settings.tftp.uploads);
  CHECK(made.settings.log.level == LogLevel::quiet);
  CHECK(made.says(3, "give the depot to it"));
  CHECK(made.says(4, "cp -r /srv/tftp/. /var/lib/apdepot/images/"));
}

TEST_CASE("a host with more options") {
  const Translated made(
      "RUN_DAEMON=\"YES\"\nTFTP_USERNAME=\"tftp\"\nTFTP_DIRECTORY=\"/srv/"
      "pxeboot\"\nTFTP_ADDRESS=\"0.0.0.0:69\"\n"
      "TFTP_OPTIONS=\"--secure --ipv4 --map-file /etc/tftpd.map --verbose\"\n#TFTP_OPTIONS=\"--secure\"\n",
      file, {{"/etc/tftpd.map", "# boot\nrg \\\\ /  # slashes\nr ^/tftpboot/ /EWC/17_9_4a/\n"}});

  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"0.0.0.0", 69}});
  CHECK(made.settings.log.level == LogLevel::normal);
  CHECK(made.settings.lookup.aliases ==
        std::vector<storage::Alias>{{path("/tftpboot"), path("/EWC/17_9_4a")}});
  CHECK(made.remark("lookup.forgiving does that").starts_with("/etc/tftpd.map 2: "));
}

TEST_CASE("of two assignments the later one counts, as in a shell") {
  const Translated made(
      "TFTP_DIRECTORY=/old\nTFTP_OPTIONS=\"-c -l\"\nTFTP_DIRECTORY=/srv/tftp\nTFTP_OPTIONS=-s\n", file);

  CHECK_FALSE(made.settings.tftp.uploads);
  CHECK(made.settings.lookup.aliases.empty());
  CHECK(made.says(3, "cp -r /srv/tftp/."));
}

TEST_CASE("without --secure the folder's name is part of each path") {
  const auto made = options("-c -l");

  CHECK(made.settings.lookup.aliases == std::vector<storage::Alias>{{path("/srv/tftp"), path("/")}});
  CHECK(made.settings.tftp.uploads);
  CHECK(made.says(3, "never overwrite"));
}

TEST_CASE("every option of in.tftpd is taken or told of") {
  const auto made = options(
      "-4scp -B 1468 --port 4096:4352 -T 1000000 -U 027 -r blksize2 -P /run/x.pid -t 900 -vvv -a "
      "192.0.2.7:6969 "
      "--verbosity 4 -u nobody --no-such");

  CHECK(made.settings.tftp.max_block_size == 1468);
  CHECK(made.settings.tftp.port_range == conf::PortRange{4096, 4352});
  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"192.0.2.7", 6969}});
  CHECK(made.settings.log.level == LogLevel::verbose);
  for (const auto* words : {"--retransmit", "--umask", "--refuse blksize2", "--pidfile", "--timeout",
                            "--permissive", "--user nobody", "--no-such is not an option"})
    CHECK_MESSAGE(made.says(3, words), words);
}

TEST_CASE("--refuse blksize means blocks of 512") {
  CHECK(options("-s -r blksize").settings.tftp.max_block_size == 512);
}

TEST_CASE("values out of range are the nearest one, and told of") {
  const auto made = options("-s -B 99999999999999999999 -R 70000:1");

  CHECK(made.settings.tftp.max_block_size == 65464);
  CHECK(made.says(3, "apdepot takes 8 to 65464"));
  CHECK_FALSE(made.settings.tftp.port_range);
  CHECK(made.says(3, "is not a range of ports"));
}

TEST_CASE("a name instead of an address opens nothing unasked") {
  const Translated made("TFTP_ADDRESS=\"images.example.net:69\"\nTFTP_OPTIONS=-s\n", file);

  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"127.0.0.1", 69}});
  CHECK(made.says(1, "not an address"));
}

TEST_CASE("IPv6 addresses") {
  const Translated made("TFTP_ADDRESS=\"[2001:db8::5]:69\"\nTFTP_OPTIONS=-s\n", file);

  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"2001:db8::5", 69}});
}

TEST_CASE("Red Hat's systemd unit") {
  const Translated made(
      "[Unit]\nDescription=Tftp Server\nRequires=tftp.socket\nDocumentation=man:in.tftpd\n\n[Service]\n"
      "ExecStart=/usr/sbin/in.tftpd -c -p \\\n  -s /var/lib/tftpboot\nStandardInput=socket\n\n[Install]\n"
      "Also=tftp.socket\n",
      "/usr/lib/systemd/system/tftp.service");

  CHECK(made.settings.tftp.uploads);
  CHECK(made.says(7, "cp -r /var/lib/tftpboot/."));
}

TEST_CASE("xinetd's service") {
  const Translated made(
      "service tftp\n{\n\tsocket_type\t\t= dgram\n\tprotocol\t\t= udp\n\twait\t\t\t= yes\n\tuser\t\t\t= "
      "root\n"
      "\tserver\t\t\t= /usr/sbin/in.tftpd\n\tserver_args\t\t= -s /var/lib/tftpboot\n\tdisable\t\t\t= yes\n"
      "\tper_source\t\t= 11\n\tcps\t\t\t= 100 2\n\tonly_from = 192.0.2.0/24 198.51.100.7\n\tflags\t\t\t= "
      "IPv4\n}\n",
      "/etc/xinetd.d/tftp");

  CHECK(made.says(8, "cp -r /var/lib/tftpboot/."));
  CHECK(made.says(9, "xinetd does not serve TFTP now"));
  CHECK(made.settings.tftp.max_transfers_per_address == 11);
  REQUIRE(made.settings.tftp.allow.size() == 2);
  CHECK(made.settings.tftp.allow[0].text() == "192.0.2.0/24");
  CHECK(made.settings.tftp.allow[1].text() == "198.51.100.7");
}

TEST_CASE("inetd's line, through tcpd as well") {
  const Translated made("tftp dgram udp wait root /usr/sbin/tcpd /usr/sbin/in.tftpd -s /srv/tftp\n",
                        "/etc/inetd.conf");
  const Translated twice("tftp dgram udp4 wait root /usr/sbin/in.tftpd in.tftpd -s /srv/tftp\n",
                         "/etc/inetd.conf");

  CHECK(made.says(1, "cp -r /srv/tftp/."));
  CHECK(twice.says(1, "cp -r /srv/tftp/."));
  CHECK(twice.settings.lookup.aliases.empty());
}

TEST_CASE("hostile words stay words") {
  const auto made = options("-s -u $(reboot) /srv/$(touch\\ x);rm");

  CHECK(made.remark("cp -r '/srv/$(touch") != "");
  CHECK(made.yaml.find("reboot") == std::string::npos);
}
