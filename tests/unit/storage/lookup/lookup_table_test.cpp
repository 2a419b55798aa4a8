#include <doctest/doctest.h>

#include "storage/lookup/explain.hpp"
#include "tests/unit/storage/images.hpp"

using storage::AboveRoot;
using storage::Cause;
using storage::Rule;
using namespace std::string_view_literals;

namespace {

struct Served {
  std::string_view asked, path;
  Rule rule;
};

struct Missed {
  std::string_view asked;
  Cause cause;
  std::string_view nearest;
};

void check_served(const test::Images& images, const storage::LookupSettings& settings, const Served& row) {
  CAPTURE(row.asked);
  const auto found =
      storage::find_image(images.root, images.catalogue(), row.asked, AboveRoot::refused, settings);
  REQUIRE(found);
  CHECK(found->path.text() == row.path);
  CHECK(rule_name(found->rule) == rule_name(row.rule));
}

void check_missed(const test::Images& images, const storage::LookupSettings& settings, const Missed& row) {
  CAPTURE(row.asked);
  const auto found =
      storage::find_image(images.root, images.catalogue(), row.asked, AboveRoot::refused, settings);
  REQUIRE_FALSE(found);
  const auto miss = storage::explain_miss(images.root, images.catalogue(), row.asked, found.error());
  CHECK(cause_name(miss.cause) == cause_name(row.cause));
  CHECK((miss.nearest ? miss.nearest->text() : "") == row.nearest);
  CHECK_FALSE(miss.what.empty());
  CHECK_FALSE(miss.hint.empty());
  CHECK(miss.error);
}

constexpr auto ewc8 = "/EWC/17_9_4a/ap1g8"sv;
constexpr auto ewc6 = "/EWC/17_9_4a/ap1g6"sv;

constexpr Served served[]{
    {"/EWC/17_9_4a/ap1g8", ewc8, Rule::exact},
    {"EWC/17_9_4a/ap1g8", ewc8, Rule::exact},
    {"/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin", "/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin", Rule::exact},
    {"/EWC/current/ap1g8", "/EWC/current/ap1g8", Rule::exact},
    {"boot.cfg", "/boot.cfg", Rule::exact},
    {"/other/Tools/50%off.txt", "/other/Tools/50%off.txt", Rule::exact},
    {"other/Tools/a b.txt", "/other/Tools/a b.txt", Rule::exact},
    {"other/Case/mixed.bin", "/other/Case/mixed.bin", Rule::exact},
    {"/Aruba/8_6_0_4/ArubaOS_72xx_8.6.0.4_74969", "/Aruba/8_6_0_4/ArubaOS_72xx_8.6.0.4_74969", Rule::exact},

    // An image's name alone.
    {"ap1g6a", "/EWC/17_9_4a/ap1g6a", Rule::only_release},
    {"/ap1g6b", "/EWC/17_12_1/ap1g6b", Rule::only_release},
    {"AP1G6A", "/EWC/17_9_4a/ap1g6a", Rule::only_release},
    {"tftp://172.16.5.27/ap1g6a", "/EWC/17_9_4a/ap1g6a", Rule::only_release},
    {"ArubaOS_72xx_8.6.0.4_74969", "/Aruba/8_6_0_4/ArubaOS_72xx_8.6.0.4_74969", Rule::only_release},
    {"C9800-AP-iosxe-wlc.bin", "/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin", Rule::only_release},
    {"/ap1g7", "/EWC/17_9_4a/ap1g7", Rule::promoted},  // lab/EWC_17_6_5 has one too
    {"ap1g8", ewc8, Rule::promoted},

    {"//EWC//17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"./EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"/EWC/./17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"/EWC/17_9_4a/ap1g8/", ewc8, Rule::slashes},
    {"/EWC/17_12_1/../17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"/no/such/../../EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"EWC\\17_9_4a\\ap1g8", ewc8, Rule::slashes},
    {"\\EWC\\17_9_4a\\ap1g8", ewc8, Rule::slashes},
    {"EWC\\17_9_4a/ap1g8", ewc8, Rule::slashes},
    {".\\EWC\\17_9_4a\\ap1g8", ewc8, Rule::slashes},
    {"tftp://172.16.5.27/EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"tftp:///EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"TFTP://host:69//EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"sftp://ewc@host/EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"sftp://*****@172.16.5.62/EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"scp://ewc@host/EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"tftp://[2001:db8::1]/EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"tftp:\\\\host\\EWC\\17_9_4a\\ap1g8", ewc8, Rule::slashes},
    {"ewc@host:/EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"ewc@host:EWC/17_9_4a/ap1g8", ewc8, Rule::slashes},
    {"tftp://host/other/Tools/50%off.txt", "/other/Tools/50%off.txt", Rule::slashes},
    {"tftp://host/boot.cfg", "/boot.cfg", Rule::slashes},

    {"/ewc/17_9_4a/ap1g8", ewc8, Rule::letter_case},
    {"/EWC/17_9_4A/ap1g8", ewc8, Rule::letter_case},
    {"/EWC/17_9_4a/AP1G8", ewc8, Rule::letter_case},
    {"ewc/17_9_4A/Ap1g8", ewc8, Rule::letter_case},
    {"ewc\\17_9_4a\\ap1g8", ewc8, Rule::letter_case},
    {"/ewc/current/ap1g8", "/EWC/current/ap1g8", Rule::letter_case},
    {"/EWC/17_9_4a/c9800-ap-IOSXE-WLC.bin", "/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin", Rule::letter_case},
    {"/aruba/8_6_0_4/arubaos_72XX_8.6.0.4_74969", "/Aruba/8_6_0_4/ArubaOS_72xx_8.6.0.4_74969",
     Rule::letter_case},
    {"BOOT.CFG", "/boot.cfg", Rule::letter_case},
    {"/OTHER/Case/mixed.bin", "/other/Case/mixed.bin", Rule::letter_case},

    {"/EWC/17.9.4a/ap1g8", ewc8, Rule::version},
    {"/EWC/17.09.04a/ap1g8", ewc8, Rule::version},
    {"/EWC/17_09_04a/ap1g8", ewc8, Rule::version},
    {"/EWC/17-9-4a/ap1g8", ewc8, Rule::version},
    {"/EWC/17.09.04A/ap1g8", ewc8, Rule::version},
    {"/EWC/17.09.04a.0.6/ap1g8", ewc8, Rule::version},
    {"/EWC/17.9.4.27/ap1g8", ewc8, Rule::version},
    {"/EWC/17_9_4_27/ap1g8", ewc8, Rule::version},
    {"/EWC_17_9_4a/ap1g8", ewc8, Rule::version},
    {"/EWC-17.09.04a/ap1g8", ewc8, Rule::version},
    {"/ewc_17.9.4.27/AP1G8", ewc8, Rule::version},
    {"EWC17_9_4a/ap1g8", ewc8, Rule::version},
    {"/17_9_4a/ap1g8", ewc8, Rule::version},
    {"17.09.04a/ap1g8", ewc8, Rule::version},
    {"/EWC\\17.9.4a\\ap1g8", ewc8, Rule::version},
    {"/EWC/EWC_17_12_1/../17.12.01/ap1g8", "/EWC/17_12_1/ap1g8", Rule::version},
    {"/EWC/17.12.1.5/ap1g8", "/EWC/17_12_1/ap1g8", Rule::version},
    {"/EWC/17.12.01.0.11/ap1g8", "/EWC/17_12_1/ap1g8", Rule::version},
    {"/ME/8.10.185.0/ap3g3", "/ME/8_10_185_0/ap3g3", Rule::version},
    {"/ME_8_10_185_0/ap3g3", "/ME/8_10_185_0/ap3g3", Rule::version},
    {"/8.10.185.0/ap3g3", "/ME/8_10_185_0/ap3g3", Rule::version},
    {"/Aruba/8.6.0.4/ArubaOS_72xx_8.6.0.4_74969", "/Aruba/8_6_0_4/ArubaOS_72xx_8.6.0.4_74969", Rule::version},
    {"/lab/EWC/17_6_5/ap1g8", "/lab/EWC_17_6_5/ap1g8", Rule::version},
    {"/17.6.5/ap1g8", "/lab/EWC_17_6_5/ap1g8", Rule::version},

    {"/tftpboot/EWC/17_9_4a/ap1g8", ewc8, Rule::prefix},
    {"tftpboot/ewc/17.09.04a/AP1G8", ewc8, Rule::prefix},
    {"/home/calo/Documents/sftp_files/EWC_17_9_4a/ap3g3", "/EWC/17_9_4a/ap3g3", Rule::prefix},
    {"/home/cal0/Documents/sftp_files/EWC_17_9_4a/ap3g3", "/EWC/17_9_4a/ap3g3", Rule::prefix},
    {"Documents/sftp_files/EWC_17_9_4a/ap1g8", ewc8, Rule::prefix},
    {"/srv/tftp/a/very/deep/old/server/EWC/17_9_4a/ap1g8", ewc8, Rule::prefix},
    {"C:\\TFTP\\EWC\\17_9_4a\\ap1g8", ewc8, Rule::prefix},
    {"C:\\EWC\\17_9_4a\\ap1g8", ewc8, Rule::prefix},
    {"c:/EWC/17_9_4a/ap1g8", ewc8, Rule::prefix},
    {"D:/images/EWC/17_9_4a/ap1g8", ewc8, Rule::prefix},
    {"C:EWC\\17_9_4a\\ap1g8", ewc8, Rule::prefix},
    {"C:\\Users\\x\\17.9.4.27\\ap1g8", ewc8, Rule::prefix},
    {"tftp://host/tftpboot/EWC/17_9_4a/ap1g8", ewc8, Rule::prefix},
    {"/EWC/EWC/17_9_4a/ap1g8", ewc8, Rule::prefix},
    {"/tftpboot/EWC/current/ap1g8", "/EWC/current/ap1g8", Rule::prefix},
    {"/home/me/EWC/17_9_4a/ap1g8", ewc8, Rule::prefix},  // a person, not Mobility Express
    {"/home/me/17_9_4a/ap1g8", ewc8, Rule::prefix},
    {"/home/aruba/tftp/EWC_17_9_4a/ap3g3", "/EWC/17_9_4a/ap3g3", Rule::prefix},
    {"/home/lab/EWC/17_9_4a/ap1g8", ewc8, Rule::prefix},
    {"C:\\Users\\me\\TFTP\\EWC\\17_9_4a\\ap1g8", ewc8, Rule::prefix},
    {"C:\\TFTP\\17_9_4a\\ap1g8", ewc8, Rule::prefix},
    {"C:\\TFTP-Root\\EWC_17_9_4a\\ap1g8", ewc8, Rule::prefix},
    {"sftp://*****@172.16.5.62/Documents/sftp_files/EWC_17_9_4a/ap3g3", "/EWC/17_9_4a/ap3g3", Rule::prefix},
    {"/tftpboot/other/Tools/notes.txt", "/other/Tools/notes.txt", Rule::prefix},
};

constexpr Missed missed[]{
    // The seed documents' own.
    {"/Wrong-Path/ap1g6", Cause::wrong_directory, ewc6},
    {"/Wrong-Path/aplg6", Cause::lookalike, ewc6},
    {"/EWC/17_9_4a/aplg6", Cause::lookalike, ewc6},
    {"/EWC/17_9_4a/apig4", Cause::lookalike, "/EWC/17_9_4a/ap1g4"},
    {"/EWC/17_9_4a/APIG8", Cause::lookalike, ewc8},
    {"/EWC/17.09.04a/aplg6", Cause::lookalike, ewc6},
    {"/EWC/17_9_5/aplg6", Cause::lookalike, ewc6},
    {"/tftpboot/EWC/17_9_4a/aplg8", Cause::lookalike, ewc8},
    {"/EWC_17_9_4a/apig6a", Cause::lookalike, "/EWC/17_9_4a/ap1g6a"},
    {"/home/cal0/Documents/sftp_files/EWC_17_9_4a/apig4", Cause::lookalike, "/EWC/17_9_4a/ap1g4"},
    {"sftp://*****@172.16.5.62/Documents/Wrong-Path/ap1g6", Cause::wrong_directory, ewc6},
    {"tftp://172.16.5.27/Wrong-Path/aplg6", Cause::lookalike, ewc6},
    {"tftp://172.16.5.199/EWC/17_9_4a/aplg6", Cause::lookalike, ewc6},
    {"aplg7", Cause::lookalike, "/EWC/17_9_4a/ap1g7"},
    {"/other/Tools/tooll", Cause::lookalike, "/other/Tools/tool1"},
    {"/EWC/l7_9_4a/ap1g8", Cause::lookalike, ewc8},
    {"/EWC/I7_9_4a/ap1g8", Cause::lookalike, ewc8},
    {"/0ther/Tools/notes.txt", Cause::lookalike, "/other/Tools/notes.txt"},
    {"/ME/8_lO_185_0/ap3g3", Cause::lookalike, "/ME/8_10_185_0/ap3g3"},

    {"/EWC/ap1g7", Cause::wrong_directory, "/EWC/17_9_4a/ap1g7"},
    {"/tftpboot/ap1g7", Cause::wrong_directory, "/EWC/17_9_4a/ap1g7"},
    {"C:\\ap1g7", Cause::wrong_directory, "/EWC/17_9_4a/ap1g7"},
    {"/ME/17_9_4a/ap1g8", Cause::wrong_directory, ewc8},
    {"/ME/17.09.04a/ap1g8", Cause::wrong_directory, ewc8},
    {"/me_17_9_4a/ap1g8", Cause::wrong_directory, ewc8},
    {"/Aruba/17_9_4a/ap1g8", Cause::wrong_directory, ewc8},
    {"/C9800/17_9_4a/ap1g8", Cause::wrong_directory, ewc8},
    {"/ME/EWC/17_9_4a/ap1g8", Cause::wrong_directory, ewc8},
    {"/tftpboot/ME/17_9_4a/ap1g8", Cause::wrong_directory, ewc8},
    {"/home/calo/ME/17_9_4a/ap1g8", Cause::wrong_directory, ewc8},
    {"/EWC/8_10_185_0/ap3g3", Cause::wrong_directory, "/ME/8_10_185_0/ap3g3"},
    {"/17_12_1/17_9_4a/ap1g8", Cause::wrong_directory, ewc8},
    {"/Wrong-Path/AP1G7", Cause::wrong_directory, "/EWC/17_9_4a/ap1g7"},
    {"/EWC/16-12-08/ap1g6", Cause::wrong_directory, "/EWC/16.12.08/ap1g6"},  // two releases fit
    {"/Aruba/ArubaOS_72xx_8.6.0.4_74969", Cause::wrong_directory,
     "/Aruba/8_6_0_4/ArubaOS_72xx_8.6.0.4_74969"},

    {"/EWC/17_9_4a /ap1g8", Cause::wrong_directory, ewc8},
    {"\"/EWC/17_9_4a\"/ap1g8", Cause::wrong_directory, ewc8},
    {" /EWC/17_9_4a/ap1g8 ", Cause::not_found, ewc8},
    {"'tftpboot/EWC/17.09.04a'/AP1G8\t", Cause::not_found, ewc8},
    {"\" \"/EWC/17_9_4a/ap1g9 ", Cause::family_missing, ""},
    {" ", Cause::not_found, ""},
    {"/EWC/17_9_4a/ap1g8\xff", Cause::not_found, ewc8},
    {"/EWC/17_9_4a/ap1g8\r\n", Cause::not_found, ewc8},
    {"/EWC/\xef\xbb\xbf"
     "17_9_4a/ap1g8",
     Cause::wrong_directory, ewc8},
    {"/EWC/17_9_4a/\xe2\x80\x9c"
     "ap1g8\xe2\x80\x9d",
     Cause::not_found, ewc8},
    {"/EWC/17_9_4a/ap1g8\xc2\xa0", Cause::not_found, ewc8},
    {"ap1g8\x01", Cause::not_found, ewc8},
    {"/EWC/17_9_4a /ap1g9", Cause::family_missing, ""},
    {"/EWC /", Cause::is_directory, ""},

    {"/EWC/17_9_5/ap1g8", Cause::no_such_release, ewc8},
    {"/EWC/17_9_4/ap1g8", Cause::no_such_release, ewc8},
    {"/EWC/17_9_4b/ap1g8", Cause::no_such_release, ewc8},
    {"/EWC/17.9.4.28/ap1g8", Cause::no_such_release, ewc8},
    {"/EWC/17.3.3.26/ap1g5", Cause::no_such_release, "/EWC/17_3_3/ap1g5"},  // nothing ties .26 to 17.3.3
    {"/EWC/17_12_4/ap1g8", Cause::no_such_release, "/EWC/17_12_1/ap1g8"},
    {"/EWC/17_6_1/ap1g8", Cause::no_such_release, ewc8},  // of the same product, before 17.6.5 elsewhere
    {"/old/17_6_1/ap1g8", Cause::no_such_release, "/lab/EWC_17_6_5/ap1g8"},
    {"/ME/8.10.185/ap3g3", Cause::no_such_release, "/ME/8_10_185_0/ap3g3"},
    {"/tftpboot/EWC/17_9_5/ap1g7", Cause::no_such_release, "/EWC/17_9_4a/ap1g7"},
    {"/EWC/17_9_5", Cause::no_such_release, ""},

    {"/EWC/17_9_4a/ap1g9", Cause::family_missing, ""},
    {"/EWC/17.09.04a/ap1g9", Cause::family_missing, ""},
    {"/tftpboot/EWC_17_9_4a/ap1g9", Cause::family_missing, ""},
    {"/EWC/17_12_1/ap1g7", Cause::family_missing, "/EWC/17_9_4a/ap1g7"},
    {"/EWC/17.12.1/ap1g7", Cause::family_missing, "/EWC/17_9_4a/ap1g7"},
    {"/EWC/17_12_1/ap1g6a", Cause::family_missing, "/EWC/17_9_4a/ap1g6a"},  // neither ap1g6 nor ap1g6b
    {"/EWC/current/ap1g9", Cause::family_missing, ""},

    {"/other/case/MIXED.BIN", Cause::wrong_case, "/other/Case/Mixed.bin"},
    {"/other/Case/MIXED.bin", Cause::wrong_case, "/other/Case/Mixed.bin"},
    {"/other/CASE/sub/x.bin", Cause::wrong_case, "/other/Case/sub/x.bin"},

    {"/other/packed/ap9g9", Cause::not_unpacked, "/other/packed/C9800-AP-universalk9.17.15.01.zip"},
    {"/EWC/17_15_1/ap1g8", Cause::not_unpacked, "/other/packed/C9800-AP-universalk9.17.15.01.zip"},

    {"/EWC/17_14_1/ap1g8", Cause::not_unpacked, ""},  // in rejected/, too damaged to be listed
    {"/EWC/17.14.01/ap7g1", Cause::not_unpacked, ""},
    {"/anywhere/ap7g7", Cause::not_unpacked, ""},
    {"/EWC/17_14_1/readme.txt", Cause::no_such_release, "/EWC/17_9_4a/readme.txt"},

    {"readme.txt", Cause::wrong_directory, "/EWC/17_9_4a/readme.txt"},  // no image
    {"ap9g9", Cause::not_unpacked, "/other/packed/C9800-AP-universalk9.17.15.01.zip"},

    {"/", Cause::is_directory, ""},
    {"\\", Cause::is_directory, ""},
    {".", Cause::is_directory, ""},
    {"tftp://host/", Cause::is_directory, ""},
    {"C:\\", Cause::is_directory, ""},
    {"/EWC", Cause::is_directory, ""},
    {"EWC\\17_9_4a\\", Cause::is_directory, ""},
    {"/EWC/current", Cause::is_directory, ""},

    {"", Cause::empty_name, ""},
    {"C:", Cause::empty_name, ""},
    {"tftp://host", Cause::empty_name, ""},

    {"../../etc/passwd", Cause::escapes_root, ""},
    {"..\\..\\etc\\passwd", Cause::escapes_root, ""},
    {"/EWC/..\\../secret/passwd", Cause::escapes_root, ""},
    {"tftp://host/../secret/passwd", Cause::escapes_root, ""},
    {"tftp://host/EWC\\..\\..\\secret\\passwd", Cause::escapes_root, ""},
    {"ewc@host:../secret/passwd", Cause::escapes_root, ""},
    {"C:\\..\\secret\\passwd", Cause::escapes_root, ""},
    {"//../EWC/17_9_4a/ap1g8", Cause::escapes_root, ""},

    {"C:\\boot.cfg", Cause::not_found, "/boot.cfg"},
    {"/fifo", Cause::unreadable, ""},
    {"/other/passwd", Cause::leads_out, ""},
    {"/other/out/ap1g8", Cause::leads_out, ""},
    {"/OTHER/Out/ap1g8", Cause::leads_out, ""},
    {"/tftpboot/other/passwd", Cause::leads_out, ""},
    {"/other/up/ap1g8", Cause::leads_out, ""},
    {"/nonsense.txt", Cause::not_found, ""},
    {"/EWC/17_9_4a/nonsense.txt", Cause::not_found, ""},
    {"/EWC/17_9_4a/ap1g8/x", Cause::not_found, ""},
    {"host:/EWC/17_9_4a/ap1g8", Cause::not_found, ""},
    {"gopher://host/EWC/17_9_4a/ap1g8", Cause::not_found, ""},
    {"/EWC/17_9_4a/ap1g8::$DATA", Cause::not_found, ""},
    {"/C:/EWC/17_9_4a/ap1g8", Cause::not_found, ""},
    {"/EWC/17_9_4a/ap1g8\0.txt"sv, Cause::not_found, ""},
    {"/EWC/17_9_4a/ap1g%38", Cause::not_found, ""},
};

}  // namespace

TEST_CASE("what was plainly meant is served, and the rule that it took is told") {
  const test::Images images;
  for (const auto& row : served) check_served(images, images.forgiving, row);
}

TEST_CASE("what was not plainly meant is a miss with one cause") {
  const test::Images images;
  for (const auto& row : missed) check_missed(images, images.forgiving, row);
}

TEST_CASE("an archive that was rejected is named, with what says why") {
  const test::Images images;
  const auto& asked = "/EWC/17_14_1/ap1g8";
  const auto missing = storage::find_image(images.root, images.catalogue(), asked, AboveRoot::refused, {});
  REQUIRE_FALSE(missing);
  const auto miss = storage::explain_miss(images.root, images.catalogue(), asked, missing.error());
  CHECK(miss.what == "rejected/C9800-AP-universalk9.17.14.01.zip is not unpacked");
  CHECK(miss.hint ==
        "ap1g8 is of its release: C9800-AP-universalk9.17.14.01.zip.reason.txt says why it was rejected");
}

TEST_CASE("where nothing is forgiven, only exact names are served") {
  const test::Images images;
  for (const auto& row : served) {
    if (row.rule == Rule::exact) check_served(images, images.exact_only, row);
  }
  for (const auto& row : {
           Missed{"//EWC/17_9_4a/ap1g8", Cause::not_found, ewc8},
           Missed{"EWC\\17_9_4a\\ap1g8", Cause::not_found, ewc8},
           Missed{"tftp://host/EWC/17_9_4a/ap1g8", Cause::not_found, ewc8},
           Missed{"/ewc/17_9_4a/AP1G8", Cause::wrong_case, ewc8},
           Missed{"/EWC/17.9.4a/ap1g8", Cause::wrong_directory, ewc8},
           Missed{"/tftpboot/EWC/17_9_4a/ap1g8", Cause::wrong_directory, ewc8},
           Missed{"EWC/", Cause::is_directory, ""},
           Missed{"..\\secret\\passwd", Cause::escapes_root, ""},
       })
    check_missed(images, images.exact_only, row);
  const auto miss = storage::find_image(images.root, images.catalogue(), "//EWC/17_9_4a/ap1g8",
                                        AboveRoot::refused, images.exact_only);
  CHECK(storage::explain_miss(images.root, images.catalogue(), "//EWC/17_9_4a/ap1g8", miss.error()).hint ==
        "lookup.forgiving would serve /EWC/17_9_4a/ap1g8, but it is off");
}

TEST_CASE("over SFTP a name that climbs stays at /, and is forgiven") {
  const test::Images images;
  const auto found = storage::find_image(images.root, images.catalogue(), "/../EWC/17_9_4a/ap1g8",
                                         AboveRoot::stays, images.forgiving);
  REQUIRE(found);
  CHECK(found->path.text() == ewc8);
  CHECK(rule_name(found->rule) == "slashes");
}

TEST_CASE("an alias stands for the beginning of a path, whatever is forgiven") {
  const test::Images images;
  const auto alias = [](std::string_view from, std::string_view to) {
    return storage::Alias{*storage::Path::parse(from), *storage::Path::parse(to)};
  };
  storage::LookupSettings settings{
      true,
      {alias("/aps", "/EWC/17_12_1"), alias("/aps/old", "/EWC/17_9_4a"), alias("/loop", "/loop/loop"),
       alias("/wlc.bin", "/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin"), alias("/EWC/17_9_4a", "/EWC/17_12_1"),
       alias("/up", "/other/out")}};
  for (const bool forgiving : {true, false}) {
    settings.forgiving = forgiving;
    for (const auto& row : {
             Served{"/aps/ap1g8", "/EWC/17_12_1/ap1g8", Rule::alias},
             Served{"aps/old/ap1g8", ewc8, Rule::alias},
             Served{"/wlc.bin", "/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin", Rule::alias},
             Served{"/EWC/17_9_4a/ap1g8", ewc8, Rule::exact},  // what exists needs no alias
             Served{"/EWC/17_9_4a/ap1g6b", "/EWC/17_12_1/ap1g6b", Rule::alias},
         })
      check_served(images, settings, row);
    for (const auto& row : {
             Missed{"/aps2/ap1g7", Cause::wrong_directory, "/EWC/17_9_4a/ap1g7"},
             Missed{"/aps/ap1g7", Cause::family_missing, "/EWC/17_9_4a/ap1g7"},
             Missed{"/aps/../../secret/passwd", Cause::escapes_root, ""},
             Missed{"/aps", Cause::is_directory, ""},
             Missed{"/up/passwd", Cause::leads_out, ""},
             Missed{"/loop/ap1g7", Cause::wrong_directory, "/EWC/17_9_4a/ap1g7"},
         })
      check_missed(images, settings, row);
  }
  settings.forgiving = true;
  check_served(images, settings, {"\\aps\\AP1G8", "/EWC/17_12_1/ap1g8", Rule::alias});
  check_served(images, settings, {"C:\\aps\\old\\ap1g8", ewc8, Rule::alias});
  settings.forgiving = false;
  check_missed(images, settings, {"/aps/AP1G8", Cause::wrong_case, "/EWC/17_12_1/ap1g8"});
}

TEST_CASE("a miss names the alias that the name went through") {
  const test::Images images;
  const storage::LookupSettings settings{
      true, {{*storage::Path::parse("/aps"), *storage::Path::parse("/EWC/17_12_9")}}};
  const auto missing =
      storage::find_image(images.root, images.catalogue(), "/aps/ap1g8", AboveRoot::refused, settings);
  REQUIRE_FALSE(missing);
  const auto miss = storage::explain_miss(images.root, images.catalogue(), "/aps/ap1g8", missing.error());
  CHECK(miss.what == "/EWC/17_12_9 does not exist (lookup.aliases: /aps stands for /EWC/17_12_9)");
}

TEST_CASE("what nobody sees in a name is said first") {
  const test::Images images;
  struct Row {
    std::string_view asked, what, hint;
  };
  for (const auto& row : {
           Row{"/EWC/17_9_4a/ap1g8 ", "\"ap1g8 \" ends with a blank", "ask for /EWC/17_9_4a/ap1g8"},
           Row{"/EWC/17_9_4a/ap1g8\xff", "\"ap1g8\xff\" ends with the byte 0xff",
               "ask for /EWC/17_9_4a/ap1g8"},
           Row{"/EWC/17_9_4a/'ap1g8'",
               "\"'ap1g8'\" starts with a quotation mark and ends with a quotation mark",
               "ask for /EWC/17_9_4a/ap1g8"},
           Row{"/EWC/17_9_4a/ap1g8\r", "\"ap1g8\r\" ends with a carriage return",
               "ask for /EWC/17_9_4a/ap1g8"},
           Row{"/EWC/17_9_4a/ap1g9 ",
               "\"ap1g9 \" ends with a blank, and without that /EWC/17_9_4a has no ap1g9",
               "it has ap1g4, ap1g5, ap1g6, ap1g6a, ap1g7, ap1g8, ap3g3"},
       }) {
    CAPTURE(row.asked);
    const auto missing =
        storage::find_image(images.root, images.catalogue(), row.asked, AboveRoot::refused, {});
    REQUIRE_FALSE(missing);
    const auto miss = storage::explain_miss(images.root, images.catalogue(), row.asked, missing.error());
    CHECK(miss.what.ends_with(row.what));
    CHECK(miss.hint == row.hint);
  }
}

TEST_CASE("a link that leads out is named in the log, and a client hears nothing of the host") {
  const test::Images images;
  const auto missing =
      storage::find_image(images.root, images.catalogue(), "/other/out/ap1g8", AboveRoot::refused, {});
  REQUIRE_FALSE(missing);
  const auto miss =
      storage::explain_miss(images.root, images.catalogue(), "/other/out/ap1g8", missing.error());
  const auto outside = (images.dir / "secret").string();
  CHECK(miss.what == "/other/out is a link to " + outside + ", out of the folder that is served");
  CHECK(miss.for_client == "/other/out/ap1g8 does not exist");
}
