#include <array>
#include <random>

#include "tests/support/translated.hpp"

namespace {

std::string error_of(std::string_view text, const std::string& name) try {
  Translated(text, name);
  return "";
} catch (const conf::ConfigError& error) {
  return error.what();
}

}  // namespace

TEST_CASE("any other file is refused, with what can be read") {
  for (const std::string_view text : {"", "hello\n", "{\"a\": 1}\n", "depot: /srv\n"})
    CHECK(error_of(text, "x").find("none of the files that can be read") != std::string::npos);
  CHECK(error_of(std::string_view("a\0b", 3), "x").find("not a text file") != std::string::npos);
}

TEST_CASE("a file is known by what stands in it, whatever its name") {
  CHECK(Translated("TFTP_OPTIONS=\"--secure\"\n", "x").translation.program == "tftpd-hpa");
  CHECK(Translated("enable-tftp\n", "x").translation.program == "dnsmasq");
  CHECK(Translated("Port 22\nUsePAM yes\n", "x").translation.program == "OpenSSH's sshd");
}

TEST_CASE("words of a shell, and back") {
  using conf::foreign::shell_word, conf::foreign::shell_words;
  CHECK(shell_words("a 'b c' \"d\\\" e\" f\\ g ''") ==
        std::vector<std::string>{"a", "b c", "d\" e", "f g", ""});
  for (const std::string word : {"/srv/tftp", "it's", "$(x)", "", "a b"})
    CHECK(shell_words(shell_word(word)) == std::vector{word});
}

TEST_CASE("patterns") {
  using conf::foreign::fits;
  CHECK(fits("a*c?", "abbcd"));
  CHECK(fits("*", ""));
  CHECK_FALSE(fits("a*c", "abd"));
  CHECK_FALSE(fits("", "a"));
}

TEST_CASE("whatever a file holds, it is refused or becomes a configuration that loads") {
  constexpr std::array samples{
      "TFTP_ADDRESS=\"[::]:69\"\nTFTP_DIRECTORY=/srv\nTFTP_OPTIONS=\"-s -4 -c -B 1468 -R 1:2 -vvv -m /m -r "
      "blksize\"\n",
      "service tftp {\nserver = in.tftpd\nserver_args = -s /x\nonly_from = 10.0.0.0/8\nper_source = 5\n}\n",
      "r ^/a/ /b/\nrg \\\\ /\na ^\\.\nri ^x\\.bin$ /y\n",
      "enable-tftp\ntftp-root=/"
      "a,eth0\ntftp-port-range=1,9\ntftp-max=3\ntftp-mtu=1500\nlisten-address=::1,10.0.0.1\n",
      "USE_INETD=true\nOPTIONS=\"--maxthread 5 --port 69 --bind-address ::1 --logfile /x --verbose=5 "
      "/srv/tftp\"\n",
      "Port 22\nListenAddress [::1]:22\nCiphers +aes256-cbc\nMaxStartups 1:2:3\nRekeyLimit "
      "1G\nLoginGraceTime 2m\n"
      "Match User a,b Group *\nForceCommand internal-sftp -R\nChrootDirectory /x/%u\n",
      "[TFTPD32]\nTftpPort=69\nLocalIP=10.0.0.1\nLowestUDPPort=5\nHighestUDPPort=9\nSecurityLevel="
      "1\nServices=15\n"};
  constexpr std::string_view pieces =
      "\n\t =\"'\\/:,[]%!*?#-+^0123456789\x7f\xff\xe2"
      "az";
  std::mt19937 random(16);
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  for (const std::string sample : samples) {
    for (int i = 0; i < 40; ++i) {
      auto text = sample;
      for (auto changes = 1 + below(12); changes > 0; --changes) {
        const auto at = below(text.size());
        const auto kind = below(3);
        if (kind == 0) {
          text[at] = pieces[below(pieces.size())];
        } else if (kind == 1) {
          text.insert(at, text.substr(below(text.size()), below(30)));
        } else {
          text.erase(at, 1);
        }
      }
      try {
        Translated(text, "file");
      } catch (const conf::ConfigError& error) {
        const std::string_view why = error.what();
        CHECK_MESSAGE(why.starts_with("file: "), why);  // not the YAML that it printed
      }
    }
  }
}
