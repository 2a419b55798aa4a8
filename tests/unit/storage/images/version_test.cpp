#include "storage/images/version.hpp"

#include <doctest/doctest.h>

#include "storage/images/release_name.hpp"

using storage::ReleaseEvidence;
using storage::Version;

namespace {

Version version(std::string_view text) { return Version::parse(text).value(); }

ReleaseEvidence ewc() {
  return {"C9800-AP-universalk9.17.09.04a.zip",
          "17.09.04a.0.6",
          "17.9.4.27\n",
          {"C9800-AP-iosxe-wlc.bin", "ap1g8", "controller_version.info", "version.info"}};
}

std::string path_of(const ReleaseEvidence& evidence) {
  const auto name = storage::name_release(evidence);
  return name.product + "/" + name.release;
}

}  // namespace

TEST_CASE("every spelling of a version is read field by field") {
  CHECK(version("17.9.4a") == version("17_9_4a"));
  CHECK(version("17.9.4a") == version("17-09-04A"));
  CHECK(version("17.9.4.27").fields == std::vector<std::uint32_t>{17, 9, 4, 27});
  CHECK(version("17.09.04a").joined('_') == "17_9_4a");
  CHECK(version("8-10-185-0").joined('.') == "8.10.185.0");
}

TEST_CASE("what is no version is not read") {
  for (const auto text : {"", "a", ".", "17.", ".17", "17..9", "17.9.4a5", "17.9.4a.b", "17.9a.4a",
                          "17.9.4abcd", "17 9", "-1", "99999999999", "1.2.3.4.5.6.7.8.9", "17.9.4\n"}) {
    CAPTURE(text);
    CHECK_FALSE(Version::parse(text));
  }
}

TEST_CASE("versions are ordered as numbers, a rebuild after its base") {
  CHECK(version("17.9.4") < version("17.9.4a"));
  CHECK(version("17.9.4a") < version("17.9.4b"));
  CHECK(version("17.9.4b") < version("17.9.5"));
  CHECK(version("17.9.5") < version("17.12.1"));
}

TEST_CASE("classic IOS has a train and its rebuild") {
  CHECK(version("15.3(3)JPN3") == version("15.3.3-JPN3"));
  CHECK(version("15.3(3)JPN3") == version("15_3_3_jpn3"));
  CHECK(version("15.3(3)JPN3") < version("15.3(3)JPN10"));
  CHECK(version("15.3(3)JK9") < version("15.3(3)JPN3"));
  CHECK(version("15.3(3)JF") < version("15.3(3)JF1"));
  CHECK(version("15.3(3)JPN3").joined('.') == "15.3.3.jpn3");
  CHECK(version("8.6.0.4_74969").fields == std::vector<std::uint32_t>{8, 6, 0, 4, 74969});
  for (const auto text : {"15.3.3-JPN3x", "15.3.3-ABCDE5", "17_9_4_old", "15.3-JPN3", "15.3.3-JPN3-4"}) {
    CAPTURE(text);
    CHECK_FALSE(Version::parse(text));
  }
}

TEST_CASE("the release is the first three fields and their letter") {
  CHECK(storage::release_version(version("17.09.04a.0.6")) == version("17.9.4a"));
  CHECK(storage::release_version(version("17.09.04.0.6")) == version("17.9.4"));
  CHECK(storage::release_version(version("17.9.4.27")) == version("17.9.4"));
  CHECK(storage::release_version(version("17.9.4.27b")) == version("17.9.4"));
}

TEST_CASE("image families are told from other names") {
  for (const auto name :
       {"ap1g8", "ap1g6a", "ap3g3", "ap11g10", "c3700", "c350", "ap801", "ap803", "apw5100"})
    CHECK_MESSAGE(storage::is_image_family(name), name);
  for (const auto name :
       {"", "ap", "ap1", "ap1g", "apg8", "ap1g8ab", "ap1g8.tar", "AP1G8", "aplg8", "apig4", "c35", "c35000",
        "ap804", "apw", "version.info", "C9800-AP-iosxe-wlc.bin", "cal0", "xap1g8"})
    CHECK_FALSE_MESSAGE(storage::is_image_family(name), name);
}

TEST_CASE("an .info file is one short line") {
  CHECK(storage::info_line("17.9.4.27\n") == "17.9.4.27");
  CHECK(storage::info_line("\xEF\xBB\xBF 17.9.4.27 \r\n") == "17.9.4.27");
  CHECK_FALSE(storage::info_line(""));
  CHECK_FALSE(storage::info_line(" \n"));
  CHECK_FALSE(storage::info_line("17.9.4.27\n17.9.4.28\n"));
  CHECK_FALSE(storage::info_line("17.9\x1b[2J"));
  CHECK_FALSE(storage::info_line(std::string(65, '1')));
}

TEST_CASE("an EWC bundle is named by its content") {
  const auto name = storage::name_release(ewc());
  CHECK(name.product == "EWC");
  CHECK(name.release == "17_9_4a");
  CHECK(name.warnings.empty());
}

TEST_CASE("without controller_version.info the AP's version names it, then the archive's name") {
  auto evidence = ewc();
  evidence.bundle_name = "renamed.zip";
  evidence.controller_version.reset();
  CHECK(path_of(evidence) == "EWC/17_9_4");
  evidence.ap_version.reset();
  evidence.bundle_name = "C9800-AP-universalk9.17.09.04a.zip";
  CHECK(path_of(evidence) == "EWC/17_9_4a");
  evidence.bundle_name = "c9800-ap-UniversalK917.12.01 (1).zip";
  CHECK(path_of(evidence) == "EWC/17_12_1");
  evidence.members = {"ap1g4"};
  CHECK(path_of(evidence) == "EWC/17_12_1");
}

TEST_CASE("a Mobility Express bundle is told by its name, or by AireOS' numbers") {
  CHECK(path_of({"AIR-AP2800-K9-ME-8-10-185-0.zip", {}, {}, {"ap3g3"}}) == "ME/8_10_185_0");
  CHECK(path_of({"AIR-AP2800-K9-ME-8-10-185-0.zip", {}, "8.10.185.0\n", {"ap3g3"}}) == "ME/8_10_185_0");
  CHECK(path_of({"me.zip", {}, "8.10.185.0\n", {"ap3g3"}}) == "ME/8_10_185_0");
  CHECK(path_of({"air-ap1815-k9-me-8-10-185-0 (2).zip", {}, {}, {"ap1g5"}}) == "ME/8_10_185_0");
}

TEST_CASE("sources that disagree are all shown, and the first counts") {
  auto evidence = ewc();
  evidence.ap_version = "17.9.3.50";
  const auto name = storage::name_release(evidence);
  CHECK(name.release == "17_9_4a");
  REQUIRE(name.warnings.size() == 1);
  for (const auto part : {"17.09.04a.0.6", "17.9.3.50", "archive's name says 17.09.04a"})
    CHECK(name.warnings[0].find(part) != std::string::npos);

  evidence = ewc();
  evidence.bundle_name = "C9800-AP-universalk9.17.12.01.zip";
  CHECK(storage::name_release(evidence).warnings.size() == 1);
}

TEST_CASE("an .info file without a version is ignored, with a warning") {
  for (const auto text : {"", "seventeen", "17", "17.09.04a.0.6\nmore", "../../etc"}) {
    auto evidence = ewc();
    evidence.controller_version = text;
    const auto name = storage::name_release(evidence);
    CHECK(name.release == "17_9_4");
    CHECK_FALSE(name.warnings.empty());
  }
}

TEST_CASE("an unknown archive is published under its own name, made safe") {
  const auto release = [](std::string bundle) {
    const auto name = storage::name_release({std::move(bundle), {}, {}, {"readme.txt"}});
    CHECK(name.product == "other");
    CHECK(name.warnings.size() == 1);
    return name.release;
  };
  CHECK(release("My images.zip") == "My images");
  CHECK(release("images.TAR.GZ") == "images");
  CHECK(release("a:b\\c\n.zip") == "a_b_c_");
  CHECK(release(".zip") == "bundle");
  CHECK(release("...zip") == "bundle");
  CHECK(release("..hidden.zip") == "_.hidden");
  CHECK(release("nul.zip") == "_nul");
  CHECK(release("\xff\xfe.zip") == "__");
  CHECK(release(std::string(250, 'x') + ".zip").size() == 200);
}
