#include <yaml-cpp/yaml.h>

#include "conf/load.hpp"
#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

constexpr auto hash = "$scrypt$ln=14,r=8,p=5$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA";

struct Checked : test::Site {
  test::Ran check() const { return run(config_command, {"check"}); }
  fs::path users(const std::string& text, fs::perms mode = fs::perms(0600)) const {
    const auto file = dir.write("depot/state/users.yaml", text);
    fs::permissions(file, mode);
    return file;
  }
};

}  // namespace

TEST_CASE("config is told what to do, and nothing more") {
  struct Row {
    std::vector<std::string> words;
    const char* mistake;
  };
  const test::Site site;
  for (const auto& [words, mistake] :
       {Row{{}, "check, show, example or from FILE is missing"},
        Row{{"print"}, "config print: it is check, show, example or from"},
        Row{{"print", "x"}, "unexpected argument x"}, Row{{"check", "x"}, "unexpected argument x"},
        Row{{"from"}, "FILE is missing"}, Row{{"from", "a", "b"}, "unexpected argument b"}}) {
    const auto ran = site.run(config_command, words);
    CHECK(ran.status == 2);
    CHECK(ran.mistake == mistake);
    CHECK(ran.out.empty());
  }
}

TEST_CASE("config check says on stderr what is well, and counts no users file as one without mistakes") {
  const Checked site;
  const auto good = site.config().string() + ": no errors\n";
  auto ran = site.check();
  CHECK(ran.status == 0);
  CHECK(ran.out.empty());
  CHECK(ran.err == good);
  CHECK_FALSE(fs::exists(site.dir / "depot/state/users.yaml"));

  const auto users = site.users("users:\n  - name: ewc\n    password_hash: \"" + std::string(hash) + "\"\n");
  ran = site.check();
  CHECK(ran.status == 0);
  CHECK(ran.err == good + users.string() + ": no errors\n");
}

TEST_CASE("config check finds what is wrong with the users file, wherever it lies") {
  const Checked site;
  const auto file = site.users("users:\n  - name: ../x\n    password_hash: secret\n");
  auto ran = site.check();
  CHECK(ran.status == 1);
  CHECK(has(ran.err, "site.yaml: no errors"));
  CHECK(has(ran.mistake, file.string() + ":2: "));
  CHECK(has(ran.mistake, file.string() + ":3: "));
  CHECK_FALSE(has(ran.mistake, "secret"));

  site.users("users: []\n", fs::perms(0640));
  ran = site.check();
  CHECK(ran.status == 1);
  CHECK(has(ran.mistake, "others than its owner have access to it; run: chmod 600 " + file.string()));

  const auto elsewhere = site.dir.write("elsewhere.yaml", "users: [\n");
  fs::permissions(elsewhere, fs::perms(0600));
  site.configure("ssh: {users_file: " + elsewhere.string() + "}\n");
  ran = site.check();
  CHECK(ran.status == 1);
  CHECK(has(ran.mistake, "elsewhere.yaml:"));
  CHECK_FALSE(has(ran.mistake, "chmod"));
}

TEST_CASE("config check tells every mistake with its line, and no success beside them") {
  const Checked site;
  site.configure("tftp:\n  max_window: 0\nlog:\n  format: xml\nunknown: 1\n");
  const auto ran = site.check();
  CHECK(ran.status == 1);
  CHECK(ran.err.empty());
  const auto mistakes = test::lines_in(ran.mistake);
  REQUIRE(mistakes.size() == 3);
  const auto file = site.config().string();
  CHECK(mistakes[0].starts_with(file + ":3: tftp.max_window"));
  CHECK(mistakes[1].starts_with(file + ":5: log.format"));
  CHECK(mistakes[2].starts_with(file + ":6: unknown"));
}

TEST_CASE("a warning is told and changes nothing, and nothing in it reaches the terminal as it is") {
  const Checked site;
  const auto file = site.dir.write("\x1b[2Jsite.yaml", "user: root\ntftp: {listen: []}\nssh: {listen: []}\n");
  const auto ran = test::run(
      config_command, {"check", "--config", file.string(), "--depot", site.depot.directory().string()});
  CHECK(ran.status == 0);
  const auto lines = test::lines_in(ran.err);
  REQUIRE(lines.size() == 2);
  CHECK(has(lines[0], "nothing is served"));
  CHECK(lines[1].ends_with("\\x1b[2Jsite.yaml: no errors"));
  CHECK_FALSE(has(ran.err, "\x1b"));
}

TEST_CASE("an address on an interface that this host has not is a mistake, for whatever listens there") {
  const Checked site;
  for (const std::string section : {"tftp", "ssh", "http", "web", "metrics", "syslog"}) {
    CAPTURE(section);
    site.configure(section + ": {listen: ['[fe80::1%nosuch0]:1069']}\n");
    const auto ran = site.check();
    CHECK(ran.status == 1);
    CHECK(ran.mistake.starts_with(site.config().string() + ": "));
    CHECK(has(ran.mistake, "this host has no interface nosuch0"));
    CHECK_FALSE(has(ran.err, "no errors"));
  }
  site.configure("http: {listen: ['https://[fe80::1%nosuch0]:1443']}\n");
  CHECK(has(site.check().mistake, "[fe80::1%nosuch0]:1443: this host has no interface nosuch0"));
}

TEST_CASE("config show prints what is in force, and no password hash") {
  const test::Site site;
  site.configure("tftp:\n  max_window: 16\nssh:\n  users:\n    - name: ewc\n      password_hash: \"" +
                 std::string(hash) + "\"\n");
  const auto yaml = site.run(config_command, {"show"});
  CHECK(yaml.status == 0);
  CHECK(yaml.err.empty());
  CHECK(has(yaml.out, "max_window: 16\n"));
  CHECK(has(yaml.out, site.depot.directory().string()));
  CHECK(has(yaml.out, "ewc"));
  const auto json = site.run(config_command, {"show", "--json"});
  CHECK(json.out.starts_with("{"));
  CHECK(YAML::Load(json.out)["tftp"]["max_window"].as<int>() == 16);
  for (const auto& ran : {yaml, json}) {
    CHECK_FALSE(has(ran.out, "aGFzaGhhc2"));
    CHECK(has(ran.out, "(hidden)"));
  }
}

TEST_CASE("the example that config prints is a configuration that changes nothing") {
  const test::Site site;
  const auto before = site.run(config_command, {"show"}).out;
  const auto example = site.run(config_command, {"example"});
  CHECK(example.status == 0);
  CHECK(conf::load_text(example.out, "example").warnings.empty());
  site.dir.write("example.yaml", example.out);
  const auto shown = test::run(config_command, {"show", "--config", (site.dir / "example.yaml").string(),
                                                "--depot", site.depot.directory().string()});
  auto without_user = before;
  const auto user = without_user.find("user: \"root\"");
  REQUIRE(user != before.npos);
  without_user.replace(user, std::string("user: \"root\"").size(), "user: null");
  CHECK(shown.out == without_user);
}

TEST_CASE("config from prints what another program's file comes to, and needs no configuration") {
  const test::Site site;
  site.configure("unknown: 1\n");
  const auto file = site.dir.write("tftpd-hpa", "TFTP_DIRECTORY=\"/srv/tftp\"\nTFTP_OPTIONS=\"-s -v\"\n");
  const auto ran = site.run(config_command, {"from", file.string()});
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  CHECK(conf::load_text(ran.out, "made").warnings.empty());
  const auto missing = site.run(config_command, {"from", (site.dir / "missing").string()});
  CHECK(missing.status == 1);
  CHECK(missing.out.empty());
  CHECK(has(missing.mistake, "missing: No such file or directory"));
}
