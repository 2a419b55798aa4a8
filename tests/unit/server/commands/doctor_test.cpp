#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

#include <ctime>

#include "tests/support/environment_variable.hpp"
#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

struct Seen : test::Site {
  test::Ran look(std::vector<std::string> words) const { return run(doctor_command, std::move(words)); }
};

void set_time(const fs::path& file, std::time_t seconds) {
  const std::array<timespec, 2> times{timespec{seconds, 0}, timespec{seconds, 0}};
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0) == 0);
}

}  // namespace

TEST_CASE("a configuration without mistakes is one check that is well") {
  const Seen seen;
  const auto ran = seen.look({"--only", "config"});
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out == "ok      config  " + seen.config().string() + " has no mistakes\n1 check: all is well\n");
}

TEST_CASE("a mistake in the configuration is a finding, and what needs the configuration is not judged") {
  const Seen seen;
  seen.configure("tftp: {max_window: 0}\nlog: {format: xml}\n");
  const auto ran = seen.look({"--only", "releases", "--only", "config"});
  CHECK(ran.status == 1);
  CHECK(ran.mistake.empty());
  const auto lines = test::lines_in(ran.out);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "unknown releases  the configuration has mistakes: fix those first");
  CHECK(lines[1].starts_with("fails   config    " + seen.config().string() + ":2: tftp.max_window"));
  CHECK(lines[2].starts_with("                  " + seen.config().string() + ":3: log.format"));
  CHECK(lines[3] == "2 checks, 1 failed, 1 could not be seen");
  CHECK(seen.look({"--only", "releases"}).status == 0);  // what cannot be seen does not fail
}

TEST_CASE("a user that this host does not know is a mistake of the configuration") {
  const Seen seen;
  const auto file = seen.dir.write("other.yaml", "user: no-such-user\n").string();
  const auto ran = test::run(
      doctor_command, {"--only", "config", "--config", file, "--depot", seen.depot.directory().string()});
  CHECK(ran.status == 1);
  CHECK(has(ran.out, "fails   config  user: no-such-user: this host has no such user"));
}

TEST_CASE("a configuration that is not there is a finding, and wrong usage is not") {
  const Seen seen;
  const auto missing = (seen.dir / "missing.yaml").string();
  const auto ran = test::run(doctor_command, {"--only", "config", "--config", missing});
  CHECK(ran.status == 1);
  CHECK(has(ran.out, "fails   config  cannot read " + missing));
  const auto wrong =
      test::run(doctor_command, {"--only", "config", "--config", seen.config().string(), "--depot", "~/x"});
  CHECK(wrong.status == 2);
  CHECK(wrong.out.empty());
}

TEST_CASE("a depot that is not there is what its checks say, and none is made") {
  const Seen seen;
  const auto nowhere = seen.dir / "none";
  const auto ran = test::run(doctor_command, {"--only", "releases", "--config", seen.config().string(),
                                              "--depot", nowhere.string()});
  CHECK(ran.status == 0);
  CHECK(ran.out.starts_with("unknown releases  there is no depot in " + nowhere.string()));
  CHECK_FALSE(fs::exists(nowhere));
}

TEST_CASE("releases are read by every byte, and with --quick not read at all") {
  const Seen seen;
  seen.publish("/EWC/17_9_4a", {{"notes", "image"}});
  CHECK(seen.look({"--only", "releases"}).out ==
        "ok      releases  1 release, as imported, by every byte\n1 check: all is well\n");

  seen.put("EWC/17_9_4a/notes", "imagE");
  set_time(seen.depot.images() / "EWC/17_9_4a/notes", 1'700'000'000);
  const auto quick = seen.look({"--only", "releases", "--quick"});
  CHECK(quick.status == 0);
  CHECK(quick.out == "ok      releases  1 release, as imported, by size and time\n1 check: all is well\n");
  const auto whole = seen.look({"--only", "releases"});
  CHECK(whole.status == 1);
  CHECK(has(whole.out, "fails   releases  /EWC/17_9_4a is not what was imported: \"notes\" is not"));
  CHECK(has(whole.out, "fix: apdepot import --replace bundle.zip\n"));
}

TEST_CASE("what an administrator should look at does not make the status 1") {
  const Seen seen;
  const auto ran = seen.look({"--only", "releases"});
  CHECK(ran.status == 0);
  CHECK(ran.out ==
        "look    releases  there is no release: devices get nothing\n"
        "                  fix: apdepot import BUNDLE.zip\n"
        "1 check, 1 to look at\n");
}

TEST_CASE("a check is named by its id or its title, and a wrong name gets the nearest one") {
  const Seen seen;
  CHECK(seen.look({"--only", "confg"}).mistake == "--only confg is not a check; did you mean config?");
  const auto far = seen.look({"--only", "\x1b-nothing-like-it"});
  CHECK(far.status == 2);
  CHECK(far.mistake.starts_with("--only \\x1b-nothing-like-it is not a check; the checks are config, "));
  CHECK(far.out.empty());
  CHECK(seen.look({"surplus"}).mistake == "unexpected argument surplus");
}

TEST_CASE("as JSON there is one object a check, in the order in which they were named") {
  const Seen seen;
  const auto ran = seen.look({"--json", "--only", "releases", "--only", "config"});
  CHECK(ran.status == 0);
  const auto list = YAML::Load(ran.out);
  REQUIRE(list.size() == 2);
  CHECK(list[0]["id"].as<std::string>() == "releases");
  CHECK(list[0]["result"].as<std::string>() == "look");
  CHECK(list[0]["findings"][0]["fix"].as<std::string>() == "apdepot import BUNDLE.zip");
  CHECK(list[1]["result"].as<std::string>() == "ok");
}

TEST_CASE("there are colours on a terminal that takes them, and nowhere else") {
  const Seen seen;
  const auto words = seen.words({"--only", "config"});
  struct Row {
    const char *terminal, *refused;
    bool coloured;
  };
  for (const auto& [terminal, refused, coloured] :
       {Row{"xterm", nullptr, true}, Row{"xterm", "", true}, Row{"xterm", "1", false},
        Row{"dumb", nullptr, false}, Row{nullptr, nullptr, false}}) {
    const test::EnvironmentVariable term("TERM", terminal), no_colour("NO_COLOR", refused);
    const auto ran = test::run_on_terminal(doctor_command, words, 80);
    if (!ran) return;
    CHECK(ran->out.starts_with(coloured ? "\x1b[32mok      \x1b[0mconfig  " : "ok      config  "));
    CHECK_FALSE(has(test::run(doctor_command, words).out, "\x1b"));
  }
}
