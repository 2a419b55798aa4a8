#include "tests/support/translated.hpp"

using conf::Endpoint;
using conf::LogLevel;

TEST_CASE("Debian's own /etc/default/atftpd") {
  const Translated made(
      "## See man 8 atftpd\nUSE_INETD=true\n# OPTIONS below are used only with init script\n"
      "OPTIONS=\"--tftpd-timeout 300 --retry-timeout 5 --mcast-port 1758 --mcast-addr 239.239.239.0-255 "
      "--mcast-ttl 1 --maxthread 100 --verbose=5 /srv/tftp\"\n",
      "/etc/default/atftpd");

  CHECK(made.translation.program == "atftpd");
  CHECK(made.settings.tftp.max_transfers == 100);
  CHECK(made.settings.log.level == LogLevel::normal);
  CHECK(made.settings.tftp.uploads);
  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"0.0.0.0", 69}, {"::", 69}});
  CHECK(made.says(2, "/etc/inetd.conf"));
  CHECK(made.says(4, "never by multicast"));
  CHECK(made.says(4, "--tftpd-timeout"));
  CHECK(made.says(4, "cp -r /srv/tftp/."));
}

TEST_CASE("of two assignments the later one counts, as in a shell") {
  const Translated made("OPTIONS=\"--port 6969 /old\"\nOPTIONS=\"--maxthread 7 /tftp\"\n",
                        "/etc/default/atftpd");

  CHECK(made.settings.tftp.max_transfers == 7);
  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"0.0.0.0", 69}, {"::", 69}});
  CHECK(made.says(2, "cp -r /tftp/."));
}

TEST_CASE("other options of atftpd") {
  const Translated made(
      "USE_INETD=false\nOPTIONS=\"--daemon --bind-address 192.0.2.2 --port 6969 --no-blksize --no-windowsize "
      "--logfile /var/log/atftpd.log --user nobody.nogroup --group nogroup --pcre /etc/p --listen-local "
      "--trace "
      "-m 7 -v7 --odd /tftp\"\n",
      "/etc/default/atftpd");

  CHECK(made.settings.tftp.listen == std::vector<Endpoint>{{"192.0.2.2", 6969}});
  CHECK(made.settings.tftp.max_block_size == 512);
  CHECK(made.settings.tftp.max_window == 1);
  CHECK(made.settings.tftp.max_transfers == 7);
  CHECK(made.settings.log.destination.file == "/var/log/atftpd.log");
  CHECK(made.settings.log.level == LogLevel::debug);
  CHECK(made.says(2, "user: nobody"));
  CHECK(made.says(2, "--pcre"));
  CHECK(made.says(2, "--listen-local"));
  CHECK(made.says(2, "--odd is not an option"));
}
