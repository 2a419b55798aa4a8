#include "server/doctor/running.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace server::doctor;

namespace {

ServerReading answering() {
  ServerReading reading;
  reading.server = server_facts(
      R"({"version":"0.2.0","draining":false,"listen":{"tftp":["0.0.0.0:69","[::]:69"],"ssh":[],)"
      R"("http":["0.0.0.0:80","https://[::]:443"],"web":["http://127.0.0.1:8069"]},)"
      R"("loop":{"longest_ms":1.5}})");
  return reading;
}

ServerReading failing(std::errc why) {
  ServerReading reading;
  reading.failure = std::make_error_code(why);
  return reading;
}

}  // namespace

TEST_CASE("what a server says of itself is read") {
  const auto facts = *answering().server;
  CHECK(facts.version == "0.2.0");
  CHECK(facts.longest_ms == 1.5);
  CHECK(facts.tftp == std::vector<conf::Endpoint>{{"0.0.0.0", 69}, {"::", 69}});
  CHECK(facts.ssh.empty());
  CHECK(facts.http == std::vector<conf::Endpoint>{{"0.0.0.0", 80}, {"::", 443}});
  CHECK(facts.web == std::vector<std::string>{"http://127.0.0.1:8069"});
  CHECK_THROWS_AS(server_facts("<html>"), std::runtime_error);
  CHECK_THROWS_AS(server_facts("[1, 2"), std::runtime_error);
}

TEST_CASE("a server of this version is well") {
  CHECK(judge_running(answering(), "0.2.0", true).state() == State::ok);
  const auto old = judge_running(answering(), "0.3.0", true);
  CHECK(old.state() == State::look);
  CHECK(old.findings().front().fix == "systemctl restart apdepot");
}

TEST_CASE("a slow loop and a server that ends are to look at") {
  auto reading = answering();
  reading.server->longest_ms = 51;
  reading.server->draining = true;
  CHECK(judge_running(reading, "0.2.0", true).findings().size() == 2);
}

TEST_CASE("no server, a server that hangs and a socket that may not be asked are told apart") {
  CHECK(judge_running(failing(std::errc::no_such_file_or_directory), "0.2.0", false).findings().front().fix ==
        "apdepot serve");
  CHECK(judge_running(failing(std::errc::timed_out), "0.2.0", true).findings().front().found.find("hangs") !=
        std::string::npos);
  CHECK(judge_running(failing(std::errc::permission_denied), "0.2.0", true).state() == State::unknown);
  ServerReading strange;
  strange.told = "the server's answer has no version";
  CHECK(judge_running(strange, "0.2.0", true).state() == State::fails);
}
