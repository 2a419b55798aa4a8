#include "server/os/program.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/support/environment_variable.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using namespace std::chrono_literals;

namespace {

constexpr auto patient = 60s;
constexpr std::size_t much = 1 << 20;

// What a script of the shell printed, and how it ended.
std::string ran(const std::string& script, std::chrono::milliseconds patience = patient,
                std::size_t most = much) {
  const auto done = run_program({"sh", "-c", script}, patience, most);
  return done ? std::to_string(done->status) + ":" + done->text : "nothing";
}

bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD; }

}  // namespace

TEST_CASE("a program's output and its exit status are told, and its errors are dropped") {
  CHECK(ran("printf 'a\\0b'; echo error >&2; exit 3") == std::string("3:a\0b", 5));
  CHECK(ran("exit 0") == "0:");
  CHECK(ran("exit 255") == "255:");
  CHECK_FALSE(has_children());
}

TEST_CASE("words are words, whatever is in them") {
  const auto done = run_program({"printf", "%s|", "a b", "$HOME", "", "*", "a'b"}, patient, much);
  REQUIRE(done);
  CHECK(done->text == "a b|$HOME||*|a'b|");
}

TEST_CASE("a program that a signal ended has the status -1, and what it printed before") {
  CHECK(ran("printf x; kill -9 $$") == "-1:x");
  CHECK(ran("kill -15 $$") == "-1:");
}

TEST_CASE("a program that prints too much is ended, and one that prints just as much is not") {
  CHECK(ran("printf 1234", patient, 4) == "0:1234");
  CHECK(ran("printf 12345", patient, 4) == "nothing");
  CHECK(ran("printf ''", patient, 0) == "0:");
  CHECK(ran("while :; do echo x; done", patient, 100'000) == "nothing");
  CHECK_FALSE(has_children());
}

TEST_CASE("more than one piece of output is put together") {
  std::string expected;
  for (int i = 0; i < 30'000; ++i) expected += "0123456789";
  CHECK(ran("i=0; while [ $i -lt 30000 ]; do printf 0123456789; i=$((i+1)); done") == "0:" + expected);
}

TEST_CASE("a program that takes too long is ended, and does not stay") {
  CHECK(ran("printf x; exec sleep 1000", 50ms) == "nothing");
  CHECK(ran("trap '' TERM INT HUP; while :; do :; done", 50ms) == "nothing");
  CHECK(ran("echo x", 0ms) == "nothing");
  CHECK_FALSE(has_children());
}

TEST_CASE("a program that closes its output has no more time, and ends as it likes until then") {
  CHECK(ran("printf x; exec >&-; exec sleep 1000", 50ms) == "nothing");
  CHECK_FALSE(has_children());
  CHECK(ran("printf x; exec >&-; sleep 0.1; exit 3") == "3:x");
  CHECK_FALSE(has_children());
}

TEST_CASE("a program reads nothing, has no other descriptors, and an environment of its own") {
  const test::EnvironmentVariable secret("APDEPOT_TEST_SECRET", "geheim"), path("PATH", "/nowhere"),
      language("LC_ALL", "de_DE.UTF-8");
  CHECK(ran("cat; exit 4") == "4:");
  const int inherited = ::fcntl(STDOUT_FILENO, F_DUPFD, 50);  // without FD_CLOEXEC
  REQUIRE(inherited >= 50);
  CHECK(ran("[ -e /proc/self/fd/1 ] && [ ! -e /proc/self/fd/" + std::to_string(inherited) + " ]") == "0:");
  ::close(inherited);
  const auto environment = run_program({"env"}, patient, much);
  REQUIRE(environment);
  CHECK(environment->text == "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n");
}

TEST_CASE("a program is found in the system's folders alone, and only where it may be run") {
  const test::TempDir dir;
  std::filesystem::permissions(dir.write("apdepot-test-tool", "#!/bin/sh\necho x\n"),
                               std::filesystem::perms(0755));
  const test::EnvironmentVariable path("PATH", dir.path().c_str());
  CHECK(has_program("sh"));
  for (const auto* name : {"apdepot-test-tool", "no-such-program-of-apdepot"}) {
    CAPTURE(name);
    CHECK_FALSE(has_program(name));
    CHECK_FALSE(run_program({name}, patient, much));
  }
}
