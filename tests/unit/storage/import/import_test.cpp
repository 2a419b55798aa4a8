#include "storage/import/import.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <thread>

#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/digest.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/import/digest_file.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/published.hpp"
#include "tests/support/aruba_image.hpp"
#include "tests/support/host.hpp"
#include "tests/support/tar_writer.hpp"
#include "tests/support/zip_writer.hpp"
#include "tests/unit/storage/import/import_run.hpp"

namespace fs = std::filesystem;
using storage::Depot;
using storage::Imported;
using storage::Rejected;
using test::content_of, test::ewc_members, test::ewc_name, test::has, test::Import, test::Members;
using test::ZipMember;

TEST_CASE("a bundle becomes a release that everybody may read, and a manifest") {
  Import import;
  const auto imported = import.run(ewc_members());
  CHECK(imported.path == "/EWC/17_9_4a");
  CHECK(imported.members == 5);
  CHECK(imported.bytes == 12 + 12 + 11 + 13 + 10);
  CHECK_FALSE(imported.already_there);

  const fs::path release = import.depot.images() / "EWC/17_9_4a";
  CHECK(content_of(release / "ap1g8") == "\x01image eight");
  for (const auto& folder : {release, release.parent_path()})
    CHECK(test::mode_of(folder).value_or(0755) == 0755);
  CHECK(import.staging_is_empty());
  CHECK(fs::exists(import.dir / ewc_name));

  const auto manifest = storage::load_manifest(import.manifest());
  REQUIRE(manifest);
  CHECK(manifest->path == "/EWC/17_9_4a");
  CHECK(manifest->bundle == ewc_name);
  CHECK(manifest->controller_version == "17.09.04a.0.6");
  CHECK(manifest->ap_version == "17.9.4.27");
  CHECK(manifest->imported_at.size() == std::string("2026-11-20T11:10:23Z").size());
  CHECK(manifest->members.size() == 5);
}

TEST_CASE("the depot's folders are open or private as they should be, and made only once") {
  const test::TempDir dir;
  const Depot depot(dir / "a/depot/"), again(dir / "a/depot");
  CHECK(depot.directory() == again.directory());
  CHECK(test::mode_of(depot.images()).value_or(0755) == 0755);
  CHECK(test::mode_of(depot.state()).value_or(0700) == 0700);
}

TEST_CASE("a depot that cannot be made is one sentence with its path") {
  const test::TempDir dir;
  dir.write("file", "x");
  try {
    const Depot depot(dir / "file");
    FAIL("a depot in a file");
  } catch (const std::runtime_error& error) {
    CHECK(has(error.what(), (dir / "file").string()));
    CHECK(has(error.what(), "--depot"));
  }
}

TEST_CASE("importing the same bundle again says so and changes nothing") {
  Import import;
  import.run(ewc_members());
  const auto before = import.images();
  const auto manifest = content_of(import.manifest());
  CHECK(import.run(ewc_members()).already_there);
  CHECK(import.images() == before);
  CHECK(content_of(import.manifest()) == manifest);
  CHECK(import.staging_is_empty());
}

TEST_CASE("another order, folder, container name and comment is still the same bundle") {
  Import import;
  import.run(ewc_members());
  Members others = ewc_members();
  std::ranges::reverse(others);
  for (auto& member : others) member.name.insert(0, "folder/");
  CHECK(import.run_bytes(test::zip(others, {.comment = "repacked"}), "other.zip").already_there);
}

TEST_CASE("another content for a release that exists is refused, with the difference named") {
  Import import;
  import.run(ewc_members());
  const auto before = import.images();
  Members changed = ewc_members(), more = ewc_members(), fewer = ewc_members();
  changed[1].content = "\x01image EIGHT";
  more.push_back({"ap1g6", "\x01image six"});
  fewer.erase(fewer.begin());
  CHECK(has(import.rejection(changed), "/EWC/17_9_4a is published already and differs: ap1g8"));
  CHECK(has(import.rejection(more), "ap1g6 is only in the bundle"));
  CHECK(has(import.rejection(fewer), "\"ap1g7\" is not in the bundle"));
  CHECK(import.images() == before);
  CHECK(import.run(ewc_members()).already_there);
}

TEST_CASE("a release whose files no longer fit its manifest is compared by its files") {
  Import import;
  import.run(ewc_members());
  std::ofstream(import.depot.images() / "EWC/17_9_4a/ap1g8") << "short";
  CHECK(has(import.rejection(ewc_members()), "ap1g8 has 5 bytes there and 12"));
  fs::remove(import.depot.images() / "EWC/17_9_4a/ap1g8");
  CHECK(has(import.rejection(ewc_members()), "ap1g8 is only in the bundle"));
}

TEST_CASE("a release put there by hand is compared by its files") {
  Import import;
  for (const auto& member : ewc_members())
    import.dir.write("depot/images/EWC/17_9_4a/" + member.name, member.content);
  CHECK(import.run(ewc_members()).already_there);
  CHECK_FALSE(fs::exists(import.manifest()));
  std::ofstream(import.depot.images() / "EWC/17_9_4a/ap1g8") << "\x01image EIGHT";
  CHECK(has(import.rejection(ewc_members()), "ap1g8"));
}

TEST_CASE("a damaged manifest is told, and the files are compared instead") {
  Import import;
  import.run(ewc_members());
  std::ofstream(import.manifest()) << "[";
  const auto imported = import.run(ewc_members());
  CHECK(imported.already_there);
  CHECK(has(imported.warnings, "17_9_4a.yaml"));
}

TEST_CASE("a manifest without its release means nothing") {
  Import import;
  import.run(ewc_members());
  fs::remove_all(import.depot.images() / "EWC");
  Members changed = ewc_members();
  changed[1].content = "\x01 another";
  CHECK_FALSE(import.run(changed).already_there);
  CHECK(import.run(changed).already_there);
}

TEST_CASE("something else in a release's place is refused") {
  Import import;
  import.dir.write("depot/images/EWC/17_9_4a", "a file");
  CHECK(has(import.rejection(ewc_members()), "in the way"));
  fs::remove(import.depot.images() / "EWC/17_9_4a");
  if (test::make_link("nowhere", import.depot.images() / "EWC/17_9_4a"))
    CHECK(has(import.rejection(ewc_members()), "in the way"));
}

TEST_CASE("a bundle that contradicts itself is published with a warning") {
  Import import;
  Members members = ewc_members();
  members[4].content = "17.9.3.50\n";
  const auto imported = import.run(members);
  CHECK(imported.path == "/EWC/17_9_4a");
  CHECK(has(imported.warnings, "17.9.3.50"));
}

TEST_CASE("an oversized .info file is ignored with a warning") {
  Import import;
  Members members = ewc_members();
  members[3].content = std::string(100'000, '1');
  const auto imported = import.run(members);
  CHECK(imported.path == "/EWC/17_9_4");
  CHECK_FALSE(imported.warnings.empty());
}

TEST_CASE("the layout is a setting, and a layout that is no path is an error") {
  Import import;
  import.settings.layout = "cisco/{product}_{release}";
  CHECK(import.run(ewc_members()).path == "/cisco/EWC_17_9_4a");
  import.settings.layout = "{release}";
  CHECK(import.run(ewc_members()).path == "/17_9_4a");
  for (const auto layout : {"", "/", "../{release}", "{product}//{release}", "{product}/.", "a:b/{release}",
                            "uploads/{release}", "{product}/uploads/{release}"}) {
    import.settings.layout = layout;
    CHECK_THROWS_AS(import.run(ewc_members()), std::system_error);
  }
  CHECK(import.staging_is_empty());
}

TEST_CASE("what is imported never has the name of the pointer to a release") {
  Import import;
  import.run(ewc_members());
  const auto before = import.images();
  const auto is_refused = [&](const std::string& bytes, std::string_view name) {
    return has(import.rejection_of_bytes(bytes, name), "is the name of the pointer to a release");
  };
  for (const auto layout : {"{product}/{release}", "aps/{release}", "{release}", "{release}/{product}"}) {
    CAPTURE(layout);
    import.settings.layout = layout;
    for (const auto name : {"current", "Current", "current."}) CHECK(is_refused("17_9_4a\n", name));
    CHECK(is_refused(test::aruba_image({}), "current"));
  }
  import.settings.layout = "{product}/{release}";
  CHECK(is_refused(test::zip({{"weird.img", "x"}}), "current.zip"));
  CHECK(import.images() == before);
  CHECK(import.run_bytes("17_9_4a\n", "current.img").path == "/other/current.img");
}

TEST_CASE("a ZIP that was cut anywhere publishes nothing and leaves nothing") {
  Import import;
  const std::string whole = test::zip(ewc_members());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(import.run_bytes(whole.substr(0, size)), Rejected);
    REQUIRE(import.images().empty());
    REQUIRE(import.staging_is_empty());
    REQUIRE(fs::is_empty(import.depot.manifests()));
  }
}

TEST_CASE("damage in the last member publishes nothing") {
  Import import;
  std::string archive = test::zip(ewc_members());
  archive[archive.find("17.9.4.27")] = '9';
  CHECK_THROWS_AS(import.run_bytes(archive), Rejected);
  CHECK(import.images().empty());
  CHECK(import.staging_is_empty());
}

TEST_CASE("a bundle larger than the disk is refused before anything is written") {
  Import import;
  ZipMember huge{"ap1g8", "image"};
  import.settings.max_total = ~0ULL;
  import.settings.max_ratio = ~0ULL;
  huge.zip64 = true;
  std::string archive = test::zip({huge});
  // The unpacked size, in both zip64 fields: 2 EiB.
  const std::string extra = test::little_endian(1, 2) + test::little_endian(16, 2);
  for (auto at = archive.find(extra); at != std::string::npos; at = archive.find(extra, at + 4))
    archive.replace(at + 4, 8, test::little_endian(1ULL << 61, 8));
  try {
    import.run_bytes(archive);
    FAIL("there is no such disk");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::no_space_on_device);
    CHECK(has(error.what(), "2305843009213693952 bytes"));
  }
  CHECK(import.staging_is_empty());
}

TEST_CASE("a file larger than import.max_total and the headers of an archive is refused unread") {
  Import import;
  bool read = false;
  const auto hear = [&](std::uint64_t, std::uint64_t) { read = true; };
  import.order.progress = hear;
  import.settings.max_total = 1 << 20;
  const auto rejection = [&](std::string_view name, std::uintmax_t size) -> std::string {
    const auto path = import.dir.write(name, "\x01");
    fs::resize_file(path, size);  // sparse
    try {
      storage::import_bundle(import.depot, path, import.settings, import.order);
    } catch (const Rejected& rejected) {
      return rejected.what();
    }
    return "";
  };
  constexpr std::uintmax_t most = (64 << 20) + (1 << 20);
  for (const auto name : {"weird.img", "b.tar", "b.zip"}) {
    CAPTURE(name);
    CHECK(has(rejection(name, most + 1), "68157441 bytes, and import.max_total allows 1048576: raise it"));
    CHECK(has(rejection(name, std::uintmax_t{1} << 42), "import.max_total"));
  }
  CHECK_FALSE(read);
  CHECK(import.staging_is_empty());
  CHECK(rejection("weird.img", most).empty());
}

TEST_CASE("a file in the place of the product's folder leaves nothing behind") {
  Import import;
  import.dir.write("depot/images/EWC", "a file");
  CHECK_THROWS_AS(import.run(ewc_members()), std::system_error);
  CHECK(import.images().size() == 1);
  CHECK(import.staging_is_empty());
  CHECK_FALSE(fs::exists(import.manifest()));
}

TEST_CASE("of two imports of one bundle at once, one publishes and the other finds it there") {
  for (int round = 0; round < 20; ++round) {
    Import import;
    const fs::path bundle = import.dir.write(ewc_name, test::zip(ewc_members()));
    std::array<Imported, 2> results;
    {
      const auto run = [&](Imported& result) { result = storage::import_bundle(import.depot, bundle, {}); };
      const std::jthread first(run, std::ref(results[0])), second(run, std::ref(results[1]));
    }
    CHECK(results[0].already_there != results[1].already_there);
    CHECK(import.staging_is_empty());
  }
}

TEST_CASE("of two bundles for one release at once, one is published, with its own manifest") {
  for (int round = 0; round < 20; ++round) {
    Import import;
    Members other = ewc_members();
    other[1].content = "\x01image EIGHT";
    const std::array<fs::path, 2> bundles = {import.dir.write("a.zip", test::zip(ewc_members())),
                                             import.dir.write("b.zip", test::zip(other))};
    std::array<bool, 2> published{};
    {
      const auto run = [&](std::size_t i) {
        try {
          published[i] = !storage::import_bundle(import.depot, bundles[i], {}).already_there;
        } catch (const Rejected&) {
          published[i] = false;
        }
      };
      const std::jthread first(run, 0), second(run, 1);
    }
    REQUIRE(published[0] != published[1]);
    CHECK(content_of(import.depot.images() / "EWC/17_9_4a/ap1g8") ==
          (published[0] ? "\x01image eight" : "\x01image EIGHT"));
    CHECK(storage::load_manifest(import.manifest())->bundle == (published[0] ? "a.zip" : "b.zip"));
  }
}

TEST_CASE("a whole bundle is verified, and one whose images are none is not") {
  Import import;
  Members members = ewc_members();
  CHECK_FALSE(import.run(members).verified);
  CHECK_FALSE(import.manifest_of("EWC/17_9_4a")->verified);
  members[0].content = test::ap_image("seven", "ap1g7");
  members[1].content = test::ap_image("eight");
  import.order.replace = true;
  const auto imported = import.run(members);
  CHECK(imported.verified);
  CHECK(imported.warnings.empty());
  CHECK(import.manifest_of("EWC/17_9_4a")->verified);
}

TEST_CASE("an image that is cut inside rejects its bundle, though the archive is whole") {
  Import import;
  Members members = ewc_members();
  members[1].content = test::ap_image("eight").substr(0, 1300);
  CHECK(has(import.rejection(members), "\"ap1g8\" is cut"));
  CHECK(import.images().empty());
  CHECK(import.staging_is_empty());
}

TEST_CASE("a bundle is the same in a tar, however that is packed") {
  std::vector<test::TarMember> members;
  for (const auto& member : ewc_members()) members.push_back({member.name, member.content});
  const auto tar = test::tar(members);
  Import import;
  CHECK(import.run_bytes(tar, "C9800-AP-universalk9.17.09.04a.tar").path == "/EWC/17_9_4a");
  CHECK(import.run_bytes(test::gzip(tar), "x.tar.gz").already_there);
  CHECK(import.run_bytes(test::xz(tar), "y.txz").already_there);
  CHECK(import.run(ewc_members()).already_there);
}

TEST_CASE("single images go where their product and version say, beside one another") {
  Import import;
  const auto hercules = test::aruba_image({}), ursa = test::aruba_image({.payload = "another"});
  CHECK(import.run_bytes(hercules, "ArubaInstant_Hercules_8.6.0.4_74969").path == "/Aruba/8_6_0_4");
  const auto second = import.run_bytes(ursa, "ArubaInstant_Ursa_8.6.0.4_74969");
  CHECK(second.path == "/Aruba/8_6_0_4");
  CHECK(second.verified);
  CHECK(second.members == 1);
  const auto manifest = import.manifest_of("Aruba/8_6_0_4");
  REQUIRE(manifest->members.size() == 2);
  CHECK(manifest->origins.size() == 2);
  CHECK(import.images().at("Aruba/8_6_0_4/ArubaInstant_Ursa_8.6.0.4_74969") == ursa);
  CHECK(import.run_bytes(ursa, "ArubaInstant_Ursa_8.6.0.4_74969").already_there);

  const auto wlc = "C9800-L-universalk9_wlc.17.09.04a.SPA.bin";
  CHECK(import.run_bytes("\x01 binary", wlc).path == "/C9800/17_9_4a");
  CHECK(import.images().at(std::string("C9800/17_9_4a/") + wlc) == "\x01 binary");
  const auto express = "AIR-AP1815-K9-ME-8-10-185-0.tar";
  CHECK(import.run_bytes(test::ap_image("conversion"), express).path == "/ME/8_10_185_0");
  CHECK(import.images().count(std::string("ME/8_10_185_0/") + express) == 1);
}

TEST_CASE("an Aruba image is told by its header, which counts more than its name") {
  Import import;
  CHECK(import.run_bytes(test::aruba_image({}), "renamed.bin").path == "/Aruba/8_6_0_4");
  const auto imported =
      import.run_bytes(test::aruba_image({.version = "8.6.0.5"}), "ArubaOS_72xx_8.6.0.4_74969");
  CHECK(imported.path == "/Aruba/8_6_0_5");
  CHECK(has(imported.warnings, "its header says 8.6.0.5, its name says 8.6.0.4"));
}

TEST_CASE("a controller image without Aruba's header is published, not verified") {
  Import import;
  const auto imported = import.run_bytes(std::string(600, '\x01'), "ArubaOS_72xx_8.6.0.4_74969");
  CHECK(imported.path == "/Aruba/8_6_0_4");
  CHECK_FALSE(imported.verified);
  CHECK(has(imported.warnings, "header not recognised"));
}

TEST_CASE("a damaged Aruba image is rejected") {
  Import import;
  auto image = test::aruba_image({});
  image.pop_back();
  CHECK(has(import.rejection_of_bytes(image, "ArubaOS_72xx_8.6.0.4_74969"), "cut"));
  CHECK(import.images().empty());
}

TEST_CASE("what nobody knows is published too: a folder for an archive, a file for a file") {
  Import import;
  const auto archive = import.run_bytes(test::gzip(test::tar({{"readme.txt", "x"}})), "Weird images.tar.gz");
  CHECK(archive.path == "/other/Weird images");
  CHECK_FALSE(archive.warnings.empty());
  CHECK_FALSE(archive.verified);
  const auto file = import.run_bytes("whatever", "weird.img");
  CHECK(file.path == "/other/weird.img");
  CHECK_FALSE(file.verified);
  CHECK_FALSE(import.manifest_of("other")->verified);
  CHECK_FALSE(file.warnings.empty());
  CHECK(import.images().at("other/weird.img") == "whatever");
  CHECK(import.manifest_of("other")->members.size() == 1);
  CHECK(import.run_bytes("two", "a:b\n.img").path == "/other/a_b_.img");
  CHECK(import.manifest_of("other")->members.size() == 2);
}

TEST_CASE("a bundle that macOS packed is published without what macOS put there, which is named") {
  Import import;
  auto members = ewc_members();
  for (auto& member : members) member.name.insert(0, "EWC/");
  members.insert(members.begin(), {"__MACOSX/EWC/._ap1g7", "fork"});
  members.push_back({"EWC/.DS_Store", "Bud1"});
  const auto imported = import.run(members);
  CHECK(imported.path == "/EWC/17_9_4a");
  CHECK(imported.members == 5);
  CHECK(has(imported.warnings, "\"__MACOSX/EWC/._ap1g7\", \"EWC/.DS_Store\""));
  CHECK(has(import.rejection_of_bytes("x", "Thumbs.db"), "operating system"));
}

TEST_CASE("a tar that is itself an image is not unpacked") {
  Import import;
  CHECK(import.run_bytes(test::ap_image("flash"), "renamed").path == "/other/renamed");
  CHECK(import.run_bytes(test::ap_image("flash"), "ap3g2-k9w8-tar.153-3.JF15.tar").path == "/AP/15_3_3_jf15");
  CHECK(import.run_bytes(test::ap_image("flash"), "c3700-k9w7-tar.153-3.JPN3.tar").path == "/AP/15_3_3_jpn3");
}

TEST_CASE("a loose member of a bundle is held back, so that it mixes with no other release") {
  Import import;
  for (const auto name : {"ap1g7", "AP1G8", "version.info", "controller_version.info",
                          "C9800-AP-iosxe-wlc.bin", "readme.txt"}) {
    CAPTURE(name);
    CHECK(has(import.rejection_of_bytes(test::ap_image("x", "ap1g7"), name), "drop the ZIP"));
  }
  CHECK(import.images().empty());
}

TEST_CASE("patches, access point tars and switch images have a kind, and are never unpacked") {
  Import import;
  const auto path = [&](const std::string& bytes, std::string_view name) {
    return import.run_bytes(bytes, name).path;
  };
  CHECK(path("\x01patch", "C9800-universalk9_wlc.17.09.04a.CSCwh12345.SPA.apsp.bin") == "/C9800/17_9_4a");
  CHECK(path("\x01patch", "C9800-L-universalk9_wlc.17.09.04a.CSCwd80290.SPA.smu.bin") == "/C9800/17_9_4a");
  CHECK_FALSE(import.manifest_of("C9800/17_9_4a")->verified);
  CHECK(path(test::zip({{"switch", "x"}}), "ArubaOS-CX_6200_10_08_0001.swi") == "/ArubaOS-CX/10_8_1");
  CHECK(import.images().count("ArubaOS-CX/10_8_1/ArubaOS-CX_6200_10_08_0001.swi") == 1);
}

TEST_CASE("an image that is certainly broken is refused, in a bundle and alone") {
  Import import;
  const auto with = [&](std::string_view name, const std::string& content) {
    Members members = ewc_members();
    std::ranges::find(members, name, &ZipMember::name)->content = content;
    return import.rejection(members);
  };
  CHECK(has(with("ap1g7", ""), "\"ap1g7\" is empty"));
  CHECK(has(with("ap1g7", "<html>404</html>"), "is a text"));
  CHECK(has(with("ap1g7", std::string(20'480, '\0')), "nothing but zeros"));
  CHECK(has(with("C9800-AP-iosxe-wlc.bin", ""), "is empty"));
  const auto tar = test::ap_image(std::string(20'000, 'x'), "ap3g3");
  CHECK(has(import.rejection_of_bytes(tar.substr(0, 10'000), "ap3g3-k9w8-tar.153-3.JF.tar"), "is cut"));
  CHECK(has(import.rejection_of_bytes(tar.substr(0, 10'000), "whatever"), "is cut"));
  auto bad = tar;
  bad[0] = 'x';
  CHECK(has(import.rejection_of_bytes(bad, "ap3g3-k9w8-tar.153-3.JF.tar"), "wrong checksum"));
  CHECK(has(import.rejection_of_bytes(test::aruba_image({}).substr(0, 300), "x.bin"), "header of 512"));
  CHECK(has(import.rejection_of_bytes(std::string(300, '\x01'), "ArubaOS_72xx_8.6.0.4_74969"),
            "header of 512"));
  CHECK(import.images().empty());
}

TEST_CASE("an archive that is not unpacked here is named, with what to do") {
  Import import;
  const auto reason = [&](std::string bytes, std::string_view name) {
    bytes.resize(1000, 'x');
    return import.rejection_of_bytes(bytes, name);
  };
  CHECK(has(reason("7z\xbc\xaf\x27\x1c", "x.7z"), "7-Zip"));
  CHECK(has(reason("Rar!\x1a\x07\x01", "C9800-AP-universalk9.17.09.04a.bin"), "RAR"));
  CHECK(has(reason("BZh91AY&SY", "x.tar.bz2"), "bzip2"));
  CHECK(has(reason("\x28\xb5\x2f\xfd", "x.zst"), "Zstandard"));
  CHECK(has(reason("PK\x07\x08PK\x03\x04", "x.z01"), "split"));
  CHECK(has(import.rejection_of_bytes(test::xz("image"), "x.bin.xz"), "unxz"));
  const auto zip = test::zip(ewc_members());
  CHECK(has(import.rejection_of_bytes(zip.substr(0, 200), "x.zip.001"), "split"));
  CHECK(has(import.rejection_of_bytes("rest of it" + zip.substr(200), "x.zip.002"), "split"));
  CHECK(has(import.rejection_of_bytes("MZ program" + zip, "x.exe"), "unpacks itself"));
  CHECK(has(import.rejection({{"C9800-AP-universalk9.17.09.04a.zip", zip}, {"notes.txt", "x"}}),
            "another archive"));
  CHECK(import.images().empty());
}

TEST_CASE("an archive's name without an archive is rejected") {
  Import import;
  for (const auto name : {"x.zip", "x.tar", "x.tar.gz", "x.tgz", "x.xz", "AIR-AP1815-K9-ME-8-10-185-0.tar"})
    CHECK(has(import.rejection_of_bytes("<html>please log in</html>", name), "archive"));
  CHECK(import.images().empty());
}

TEST_CASE("another image of a published name is refused, unless it is to be replaced") {
  Import import;
  import.run_bytes("one", "weird.img");
  CHECK(has(import.rejection_of_bytes("other", "weird.img"), "weird.img has 3 bytes there and 5"));
  std::ifstream transfer(import.depot.images() / "other/weird.img");
  import.order.replace = true;
  CHECK_FALSE(import.run_bytes("other", "weird.img").already_there);
  CHECK(import.images().at("other/weird.img") == "other");
  CHECK(import.manifest_of("other")->members.front().size == 5);
  CHECK(std::string(std::istreambuf_iterator<char>(transfer), {}) == "one");
}

TEST_CASE("--replace puts another bundle in a release's place; who reads the old one keeps it") {
  Import import;
  import.run(ewc_members());
  std::ifstream transfer(import.depot.images() / "EWC/17_9_4a/ap1g8");
  Members changed = ewc_members();
  changed[1].content = "\x01image EIGHT, longer";
  changed.push_back({"ap1g6", "\x01image six"});
  import.order.replace = true;
  const auto imported = import.run(changed);
  CHECK_FALSE(imported.already_there);
  CHECK(import.images().at("EWC/17_9_4a/ap1g8") == "\x01image EIGHT, longer");
  CHECK(import.images().count("EWC/17_9_4a/ap1g6") == 1);
  CHECK(import.manifest_of("EWC/17_9_4a")->members.size() == 6);
  CHECK(std::string(std::istreambuf_iterator<char>(transfer), {}) == "\x01image eight");
  CHECK(import.staging_is_empty());
  CHECK(import.run(changed).already_there);
}

TEST_CASE("a bundle and a single image of one version share a directory, whichever comes first") {
  const auto zip = "AIR-AP1815-K9-ME-8-10-185-0.zip", tar = "AIR-AP1815-K9-ME-8-10-185-0.tar";
  const Members members{{"ap1g5", test::ap_image("five", "ap1g5")}, {"version.info", "8.10.185.0\n"}};
  for (const bool bundle_first : {true, false}) {
    Import import;
    if (bundle_first) import.run(members, zip);
    import.run_bytes(test::ap_image("conversion"), tar);
    if (!bundle_first) import.run(members, zip);
    const auto images = import.images();
    CHECK(images.count(std::string("ME/8_10_185_0/") + tar) == 1);
    CHECK(images.count("ME/8_10_185_0/ap1g5") == 1);
    CHECK(import.manifest_of("ME/8_10_185_0")->members.size() == 3);
    CHECK(import.run(members, zip).already_there);
    CHECK(import.run_bytes(test::ap_image("conversion"), tar).already_there);
  }
}

TEST_CASE("what somebody put beside single images by hand is not taken away by a bundle") {
  const Members members{{"ap1g5", test::ap_image("five", "ap1g5")}, {"version.info", "8.10.185.0\n"}};
  Import import;
  import.run_bytes(test::ap_image("conversion"), "AIR-AP1815-K9-ME-8-10-185-0.tar");
  import.dir.write("depot/images/ME/8_10_185_0/notes.txt", "by hand");
  const auto why = import.rejection_of_bytes(test::zip(members), "AIR-AP1815-K9-ME-8-10-185-0.zip");
  CHECK(has(why, "\"notes.txt\" is not in the bundle"));
  CHECK(import.images().at("ME/8_10_185_0/notes.txt") == "by hand");
}

TEST_CASE("a digest beside the bundle, or given, is heeded") {
  Import import;
  const auto archive = test::zip(ewc_members());
  storage::Digest sha512(storage::DigestKind::sha512), md5(storage::DigestKind::md5);
  sha512.update(std::as_bytes(std::span(archive)));
  md5.update(std::as_bytes(std::span(archive)));
  const auto sha = sha512.hex(), short_one = md5.hex();
  const std::string wrong(128, 'a'), file = ewc_name;
  const auto beside = [&](const std::string& name, const std::string& text) {
    const auto path = import.dir.write(name, text);
    const auto reason = import.rejection_of_bytes(archive, ewc_name);
    fs::remove(path);
    return reason;
  };
  CHECK(has(beside(file + ".sha512", wrong), "its SHA-512 is " + sha));
  CHECK(has(beside(file + ".md5", std::string(32, 'a') + "  " + file), "its MD5 is " + short_one));
  CHECK(has(beside("SHA512SUMS", wrong + " *" + file + "\n"), "SHA512SUMS"));
  CHECK(has(beside(file + ".sha512", "<html>"), "holds no SHA-512"));
  CHECK(import.images().empty());
  import.order.sha512 = wrong;
  CHECK(has(beside("unrelated", ""), "--sha512"));
  import.order.sha512 = sha;
  CHECK(beside("SHA512SUMS", std::string(128, 'b') + "  other.zip\n").empty());
  // Its images are none, but they are what the vendor published.
  CHECK(import.manifest_of("EWC/17_9_4a")->verified);
  for (const auto& text : {sha, sha + "  whatever.zip\n", "SHA512 (" + file + ") = " + sha + "\n"})
    CHECK(beside(file + ".sha512", text).empty());
}

TEST_CASE("a digest that comes with the second import verifies the release") {
  Import import;
  CHECK_FALSE(import.run(ewc_members()).verified);
  const auto archive = test::zip(ewc_members());
  storage::Digest sha512(storage::DigestKind::sha512);
  sha512.update(std::as_bytes(std::span(archive)));
  import.order.sha512 = sha512.hex();
  CHECK(import.run(ewc_members()).already_there);
  CHECK(import.manifest_of("EWC/17_9_4a")->verified);
}

TEST_CASE("progress is told, and ends at the whole") {
  Import import;
  std::uint64_t last = 0, whole = 0;
  import.order.progress = [&](std::uint64_t done, std::uint64_t total) { CHECK(done >= last);
  last = done, whole = total;
};
import.run(ewc_members());
CHECK(whole > 0);
CHECK(last <= whole);
}

TEST_CASE("a sweep of half-written files removes what a killed writer left") {
  Import import;
  import.dir.write("depot/state/.new-abc123", "half");
  import.dir.write("depot/state/manifests/EWC/.new-abc123", "half");
  import.dir.write("depot/rejected/.new-abc123", "half");
  import.dir.write("depot/state/users.yaml", "whole");
  storage::sweep_half_written(import.depot);
  CHECK_FALSE(fs::exists(import.depot.state() / ".new-abc123"));
  CHECK_FALSE(fs::exists(import.depot.manifests() / "EWC/.new-abc123"));
  CHECK_FALSE(fs::exists(import.depot.rejected() / ".new-abc123"));
  CHECK(fs::exists(import.depot.state() / "users.yaml"));
}

TEST_CASE("a sweep removes what killed imports left, and nothing that a live one holds") {
  Import import;
  import.dir.write("depot/state/staging/import-killed/content/ap1g8", "half");
  import.dir.write("depot/state/staging/stray", "file");
  {
    const storage::StagingArea live(import.depot);
    storage::sweep_staging(storage::staging_areas(import.depot));
    CHECK(fs::exists(live.content()));
    CHECK(std::distance(fs::directory_iterator(import.depot.staging()), {}) == 1);
  }
  CHECK(import.staging_is_empty());
}

TEST_CASE("an import takes the oldest releases out of service, beyond those that are to be kept") {
  Import import;
  const std::vector<storage::KnownDigest> none;
  const auto take_in = [&](std::string_view name, const Members& members, std::size_t keep) {
    const auto path = import.dir.write(name, test::zip(members));
    const auto file = storage::open_plain_file(path);
    return storage::import_and_retire(import.depot, {path, file, none}, import.settings, keep);
  };
  auto newer = ewc_members();
  newer[3].content = "17.12.01.0.11";
  newer[4].content = "17.12.1.5\n";
  CHECK(take_in(ewc_name, ewc_members(), 1).retired.empty());
  const auto done = take_in("C9800-AP-universalk9.17.12.01.zip", newer, 1);
  CHECK(done.imported.path == "/EWC/17_12_1");
  REQUIRE(done.retired.size() == 1);
  CHECK(done.retired[0].path == "/EWC/17_9_4a");
  CHECK(done.problems.empty());
  CHECK_FALSE(fs::exists(import.depot.images() / "EWC/17_9_4a"));
  CHECK(take_in(ewc_name, ewc_members(), 0).retired.empty());
  CHECK(fs::exists(import.depot.images() / "EWC/17_12_1"));
}
