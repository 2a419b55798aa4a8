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
