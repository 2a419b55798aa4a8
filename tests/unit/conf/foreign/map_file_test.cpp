#include "tests/support/translated.hpp"

namespace {

storage::Alias alias(std::string_view from, std::string_view to) {
  return {storage::Path::parse(from).value(), storage::Path::parse(to).value()};
}
Translated map(std::string_view text) { return Translated(text, "/etc/tftpd.map"); }

}  // namespace

TEST_CASE("beginnings of paths become aliases") {
  const auto made =
      map("# map\nr ^/tftpboot/ /EWC/17_9_4a/\nri ^/old/ap\\.bin$ /EWC/17_9_4a/ap1g7\nre ^boot /x\nr ^/a\\ "
          "b/ /c\\ d/\n");

  CHECK(made.translation.program == "a map file of tftpd-hpa");
  CHECK(made.settings.lookup.aliases == std::vector{alias("/tftpboot", "/EWC/17_9_4a"),
                                                    alias("/old/ap.bin", "/EWC/17_9_4a/ap1g7"),
                                                    alias("/boot", "/x")});
  CHECK(made.says(5, "knows no patterns"));
  CHECK(made.says(0, "longest beginning"));
}

TEST_CASE("what the manual's example does is done already, or has no equivalent") {
  const auto made =
      map("rg \\\\ /      # Convert backslashes to slashes\nr ^[^/] /tftpboot/\\0\na ^/tftpboot/private\n"
          "r \\.img$ .bin\nri ^[a-z]:\n");

  CHECK(made.settings.lookup.aliases.empty());
  CHECK(made.says(1, "lookup.forgiving does that"));
  CHECK(made.says(2, "looked for below images/ anyway"));
  CHECK(made.says(3, "nothing outside its images/"));
  CHECK(made.says(4, "left out"));
  CHECK(made.says(5, "left out"));
}

TEST_CASE("a rule for every name") {
  CHECK(map("r ^ /EWC/17_9_4a/\n").settings.lookup.aliases == std::vector{alias("/", "/EWC/17_9_4a")});
}

TEST_CASE("a beginning that is cut within a folder's name is not an alias") {
  CHECK(map("r ^/boot/ /x\n").says(1, "by whole folders"));
}

TEST_CASE("a rule for what does not fit is not an alias for what fits") {
  const auto made = map("r~ ^/boot/ /x/\n");

  CHECK(made.settings.lookup.aliases.empty());
  CHECK(made.says(1, "left out"));
}

TEST_CASE("rules for reading or writing alone are told of") {
  CHECK(map("rG ^/a/ /b/\n").says(1, "to what they send as well"));
}

TEST_CASE("the folder that tftpd-hpa serves is taken off both sides") {
  const Translated made("TFTP_DIRECTORY=/srv/tftp\nTFTP_OPTIONS=\"-m /etc/m\"\n", "tftpd-hpa",
                        {{"/etc/m", "r ^/boot/ /srv/tftp/EWC/\n"}});

  CHECK(made.settings.lookup.aliases == std::vector{alias("/srv/tftp", "/"), alias("/boot", "/EWC")});
}

TEST_CASE("the same beginning twice, and paths that cannot be") {
  const auto made = map("r ^/a/ /b/\nr ^/a/ /c/\nr ^/x/ /y:z/\n");

  CHECK(made.settings.lookup.aliases == std::vector{alias("/a", "/b")});
  CHECK(made.says(2, "stands for /b already"));
  CHECK(made.says(3, "not paths"));
}
