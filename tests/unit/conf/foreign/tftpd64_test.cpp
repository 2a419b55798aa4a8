#include "tests/support/translated.hpp"

using conf::Endpoint;

namespace {

constexpr auto file = "C/tftpd32.ini";

// As TFTPD-64 4.64 writes it.
constexpr auto usual =
    "[DHCP]\r\nLease_NumLeases=0\r\nIP_Pool=192.0.2.50\r\n[TFTPD32]\r\nBaseDirectory=C:\\Images\r\nTftpPort="
    "69\r\n"
    "Hide=0\r\nWinSize=0\r\nNegociate=1\r\nPXECompatibility=0\r\nDirText=0\r\nShowProgressBar=1\r\nTimeout="
    "3\r\n"
    "MaxRetransmit=6\r\nSecurityLevel=1\r\nUnixStrings=1\r\nBeep=0\r\nVirtualRoot=0\r\nMD5=0\r\nLocalIP=\r\n"
    "Services=15\r\nTftpLogFile=\r\nSaveSyslogFile=\r\nPipeSyslogMsg=0\r\nLowestUDPPort=0\r\nHighestUDPPort="
    "0\r\n"
    "MulticastPort=0\r\nMulticastAddress=\r\nPersistantLeases=1\r\nDHCP Ping=1\r\nDHCP LocalIP=\r\n"
    "Max Simultaneous Transfers=100\r\nUseEventLog=0\r\nConsole Password=tftpd32\r\nSupport for port "
    "Option=0\r\n"
    "Keep transfer Gui=5\r\nIgnore ack for last TFTP packet=0\r\nEnable IPv6=1\r\n";

}  // namespace

TEST_CASE("TFTPD-64's own defaults") {
  const Translated made(usual, file);

  CHECK(made.translation.program == "TFTPD-64");
  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"0.0.0.0", 69}, {"::", 69}});
  CHECK(made.settings.tftp.max_transfers == 100);
  CHECK(made.settings.tftp.uploads);
  CHECK_FALSE(made.settings.tftp.port_range);
  CHECK(made.says(5, "C:\\Images"));
  CHECK(made.says(13, "round trip"));
  CHECK(made.says(14, "by time"));
  CHECK(made.says(15, "never overwrite"));
  CHECK(made.says(21, "no DHCP server"));
  CHECK(made.remark("tftpd32\"") == "");  // the console's password
}

TEST_CASE("what differs from them") {
  const Translated made(
      "[TFTPD32]\nBaseDirectory=.\nTftpPort=6969\nLocalIP=192.0.2.9\nSecurityLevel=3\nLowestUDPPort=50000\n"
      "HighestUDPPort=50100\nNegociate=0\nEnable IPv6=0\nServices=4\nWinSize=4096\nVirtualRoot=1\nMD5=1\n",
      file);

  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"192.0.2.9", 6969}});
  CHECK(made.settings.tftp.port_range == conf::PortRange{50000, 50100});
  CHECK_FALSE(made.settings.tftp.uploads);
  CHECK(made.settings.tftp.max_block_size == 512);
  CHECK(made.says(10, "switched off"));
  CHECK(made.says(11, "max_window"));
  CHECK(made.says(13, "verify"));
}

TEST_CASE("keys of other sections are not TFTP's") {
  CHECK_FALSE(Translated("[OTHER]\nLowestUDPPort=50000\nHighestUDPPort=50100\n[TFTPD32]\n", file)
                  .settings.tftp.port_range);
}

TEST_CASE("a file in UTF-16 is told of") {
  CHECK_THROWS_WITH_AS(Translated(std::string_view("\xff\xfe[\0T\0", 6), file), doctest::Contains("UTF-16"),
                       conf::ConfigError);
}
