#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>

#include "storage/depot/staging.hpp"
#include "tests/support/aruba_image.hpp"
#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

// Images that stand alone: a bundle is read by a process apart, which this program cannot be.
constexpr auto hercules = "ArubaInstant_Hercules_8.6.0.4_74969", ursa = "ArubaInstant_Ursa_8.6.0.4_74969";

struct Importing : test::Site {
  std::string file(const std::string& name, const std::string& content) const {
    return dir.write("given/" + name, content).string();
  }
  std::string image(const std::string& name, const std::string& payload = "payload") const {
    return file(name, test::aruba_image({.payload = payload}));
  }
  test::Ran import(std::vector<std::string> words) const { return run(import_command, std::move(words)); }
  std::string published(const std::string& name) const {
    return test::text_in(depot.images() / "Aruba/8_6_0_4" / name);
  }
  bool has_nothing() const { return fs::is_empty(depot.images()) && fs::is_empty(depot.staging()); }
};

}  // namespace

TEST_CASE("an import prints the path of the release, and leaves the file and nothing else lying about") {
  const Importing site;
  const auto file = site.image(hercules);
  const auto ran = site.import({file});
  CHECK(ran.status == 0);
  CHECK(ran.out == "/Aruba/8_6_0_4\n");
  CHECK(ran.err.empty());
  CHECK(site.published(hercules) == test::text_in(file));
  CHECK(fs::is_empty(site.depot.staging()));
}

TEST_CASE("as JSON each file is an object on a line of its own") {
  const Importing site;
  const auto ran = site.import({"--json", site.image(hercules), site.image(ursa, "another")});
  CHECK(ran.status == 0);
  const auto lines = test::lines_in(ran.out);
  REQUIRE(lines.size() == 2);
  const auto first = YAML::Load(lines[0]), second = YAML::Load(lines[1]);
  CHECK(first["file"].as<std::string>().ends_with(hercules));
  CHECK(first["path"].as<std::string>() == "/Aruba/8_6_0_4");
  CHECK(first["image"].as<std::string>() == hercules);
  CHECK(first["members"].as<int>() == 1);
  CHECK(first["bytes"].as<std::size_t>() == test::aruba_image({.payload = "payload"}).size());
  CHECK_FALSE(first["already_there"].as<bool>());
  CHECK(first["verified"].as<bool>());
  CHECK(second["image"].as<std::string>() == ursa);
}

TEST_CASE("a file that is published already is not a failure, and the command says so") {
  const Importing site;
  const auto file = site.image(hercules);
  site.import({file});
  const auto again = site.import({file});
  CHECK(again.status == 0);
  CHECK(again.out == "/Aruba/8_6_0_4\n");
  CHECK(again.err == file + " is published already as /Aruba/8_6_0_4: nothing was changed\n");
  CHECK(YAML::Load(site.import({"--json", file}).out)["already_there"].as<bool>());
}

TEST_CASE("another image of the same name takes the place of the first with --replace only") {
  const Importing site;
  site.import({site.image(hercules)});
  const auto before = site.published(hercules);
  const auto file = site.image(hercules, "something else");
  auto ran = site.import({file});
  CHECK(ran.status == 1);
  CHECK(ran.out.empty());
  CHECK(ran.err.starts_with("apdepot: " + file + " is not published: /Aruba/8_6_0_4/" + hercules +
                            " is published already and differs: "));
  CHECK(has(ran.err, "`apdepot import --replace FILE` puts this one in its place"));
  CHECK(site.published(hercules) == before);

  ran = site.import({"--replace", file});
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  CHECK(site.published(hercules) == test::text_in(file));
}

TEST_CASE("a file that cannot be published does not keep the others from it, and makes the status 1") {
  const Importing site;
  const auto bad = site.file("ArubaOS_72xx_8.6.0.4_74969", ""), missing = (site.dir / "missing").string();
  const auto ran = site.import({bad, site.image(hercules), missing, site.image(ursa)});
  CHECK(ran.status == 1);
  CHECK(ran.mistake.empty());
  CHECK(ran.out == "/Aruba/8_6_0_4\n/Aruba/8_6_0_4\n");
  const auto problems = test::lines_in(ran.err);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].starts_with("apdepot: " + bad + " is not published: "));
  CHECK(has(problems[0], "empty"));
  CHECK(problems[1].starts_with("apdepot: " + missing + " cannot be imported: "));
  CHECK(has(problems[1], "No such file or directory"));
  CHECK_FALSE(site.published(hercules).empty());
  CHECK_FALSE(site.published(ursa).empty());
}

TEST_CASE("a digest on the command line must be the file's, and confirms one that has nothing to check") {
  const Importing site;
  const auto file = site.file("weird.img", "whatever");
  const auto right = test::digest_of(storage::DigestKind::sha512, "whatever");
  auto wrong = right;
  wrong[127] = wrong[127] == '0' ? '1' : '0';

  auto ran = site.import({file, "--sha512", wrong});
  CHECK(ran.status == 1);
  CHECK(has(ran.err, "its SHA-512 is " + right + ", and \"--sha512\" says " + wrong));
  CHECK(site.has_nothing());

  auto upper = right;
  std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
  ran = site.import({file, "--sha512", upper, "--json"});
  CHECK(ran.status == 0);
  CHECK(YAML::Load(ran.out)["verified"].as<bool>());
}

TEST_CASE("what nothing confirms is published with a warning, and not called verified") {
  const Importing site;
  const auto file = site.file("weird.img", "whatever");
  const auto ran = site.import({file, "--json"});
  CHECK(ran.status == 0);
  CHECK(has(ran.err, file + ": "));
  CHECK(has(ran.err, "\"weird.img\" has nothing in it that could be checked"));
  CHECK_FALSE(YAML::Load(ran.out)["verified"].as<bool>());
  CHECK(YAML::Load(ran.out)["path"].as<std::string>() == "/other/weird.img");
}

TEST_CASE("wrong usage of import is told before anything is made") {
  const test::TempDir dir;
  const std::string hex(128, 'a');
  struct Row {
    std::vector<std::string> words;
    const char* mistake;
  };
  constexpr auto form = "--sha512 takes 128 hex digits";
  for (const auto& [words, mistake] :
       {Row{{}, "FILE is missing"}, Row{{"--sha512", hex}, "FILE is missing"},
        Row{{"x", "--sha512", ""}, form}, Row{{"x", "--sha512", hex.substr(1)}, form},
        Row{{"x", "--sha512", hex + "a"}, form}, Row{{"x", "--sha512", hex.substr(1) + "g"}, form},
        Row{{"x", "--sha512", "a" + hex.substr(2) + " "}, form},
        Row{{"x", "y", "--sha512", hex}, "--sha512 is about one FILE: import the others apart"}}) {
    auto all = words;
    all.insert(all.end(), {"--depot", (dir / "depot").string()});
    const auto ran = test::run(import_command, all);
    CHECK(ran.status == 2);
    CHECK(ran.mistake == mistake);
  }
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("the digests that lie beside a file are heeded") {
  const Importing site;
  const auto file = site.image(hercules);
  const auto beside = site.file(std::string(hercules) + ".sha512", std::string(128, '0'));
  const auto ran = site.import({file});
  CHECK(ran.status == 1);
  CHECK(has(ran.err, "and \"" + std::string(hercules) + ".sha512\" says 000"));
  CHECK(site.has_nothing());
  site.file(std::string(hercules) + ".sha512",
            test::digest_of(storage::DigestKind::sha512, test::text_in(file)));
  CHECK(site.import({file}).status == 0);
}

TEST_CASE("a link on the command line is followed, to the digests beside the file too") {
  const Importing site;
  const auto file = site.image(hercules);
  const auto link = site.dir / "latest";
  fs::create_symlink(file, link);
  site.file(std::string(hercules) + ".md5", std::string(32, '0'));
  CHECK(has(site.import({link.string()}).err, "its MD5 is "));
  site.file(std::string(hercules) + ".md5", test::digest_of(storage::DigestKind::md5, test::text_in(file)));
  const auto ran = site.import({link.string()});
  CHECK(ran.status == 0);
  CHECK(site.published(hercules) == test::text_in(file));  // by its own name, not the link's
}

TEST_CASE("a folder is refused with what to do") {
  const Importing site;
  site.dir.write("unpacked/ap1g8", "image");
  const auto folder = (site.dir / "unpacked").string();
  for (const auto& name : {folder, folder + "/"}) {
    const auto ran = site.import({name});
    CHECK(ran.status == 1);
    CHECK(ran.err == "apdepot: " + name +
                         " is not published: it is a folder; give the vendor's bundle itself, or copy a "
                         "folder of images to a place below " +
                         site.depot.images().string() + "\n");
  }
}

TEST_CASE("a depot that is not there is made") {
  const Importing site;
  const auto other = site.dir / "new/depot";
  const auto ran = test::run(
      import_command, {site.image(hercules), "--config", site.config().string(), "--depot", other.string()});
  CHECK(ran.status == 0);
  CHECK(fs::exists(other / "images/Aruba/8_6_0_4" / hercules));
  CHECK(fs::is_directory(other / "drop"));
  CHECK(site.has_nothing());
}

TEST_CASE("what a killed import left is swept, and what another one works in is not") {
  const Importing site;
  site.dir.write("depot/state/staging/work-killed/content/big", "gigabytes");
  const storage::StagingArea live(site.depot);
  CHECK(site.import({site.image(hercules)}).status == 0);
  CHECK_FALSE(fs::exists(site.depot.staging() / "work-killed"));
  CHECK(fs::is_directory(live.content()));
}

TEST_CASE("import.keep retires the oldest release of the product, and says where it is") {
  const Importing site;
  for (const std::string release : {"/Aruba/8_5_0_1", "/Aruba/8_5_0_10", "/EWC/17_3_1"})
    site.publish(release, {{"notes", release}});
  site.configure("import: {keep: 2}\n");
  const auto ran = site.import({site.image(hercules)});
  CHECK(ran.status == 0);
  CHECK(ran.out == "/Aruba/8_6_0_4\n");
  CHECK(ran.err == "retired /Aruba/8_5_0_1 to retired/Aruba/8_5_0_1: import.keep is 2\n");
  CHECK(fs::exists(site.depot.retired() / "Aruba/8_5_0_1/notes"));
  CHECK(fs::exists(site.depot.images() / "Aruba/8_5_0_10"));
  CHECK(fs::exists(site.depot.images() / "EWC/17_3_1"));
}

TEST_CASE("a hostile file name reaches the terminal escaped, in what is told and in what is printed") {
  const Importing site;
  const auto file = site.file("\x1b[2J\xe2\x80\xae", "whatever");
  for (const auto& words : {test::Words{file}, test::Words{file, "--json"}}) {
    const auto ran = site.import(words);
    CHECK(ran.status == 0);
    for (const auto& text : {ran.out, ran.err}) {
      CHECK_FALSE(has(text, "\x1b"));
      CHECK_FALSE(has(text, "\xe2\x80\xae"));
    }
    CHECK(has(ran.err, "\\x1b[2J\\u202e"));
  }
  const auto missing = site.import({"\x1b[2J"});
  CHECK_FALSE(has(missing.err, "\x1b"));
}
