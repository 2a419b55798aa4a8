#include <yaml-cpp/yaml.h>

#include "tests/support/environment_variable.hpp"
#include "tests/unit/server/commands/answering_server.hpp"
#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
using test::AnsweringServer;
using test::has;
using test::Words;

namespace {

constexpr auto status =
    R"({"version":"0.2.0","started_at":"2026-11-29T03:00:00Z","now":"2026-11-29T03:10:00Z","depot":"/srv/depot",
"transfers":{"running":3},"sessions":0,"since_start":{"whole":4,"broke_off":0,"misses":0}})";

std::string item(int id, const std::string& state = "moving") {
  return "{\"id\":" + std::to_string(id) + ",\"client\":\"192.0.2." + std::to_string(id) +
         "\",\"path\":\"/a/"
         "ap1g8\",\"protocol\":\"tftp\",\"size\":1000,\"bytes\":500,\"rate\":10,\"left_s\":5,"
         "\"state\":\"" +
         state + "\",\"stalled_s\":0}";
}

// A server with three transfers, on two pages.
AnsweringServer::Reply answer(const std::string& request) {
  if (request == "GET /api/v1/status") return {200, status};
  if (request == "GET /api/v1/recent") return {200, R"({"ended":[],"misses":[]})"};
  if (request == "GET /api/v1/transfers")
    return {200, "{\"items\":[" + item(1) + ",\n" + item(2) + "],\"next\":2}\n"};
  if (request == "GET /api/v1/transfers?after=2")
    return {200, "{\"items\":[" + item(3, "stalled") + "],\"next\":null}\n"};
  if (request == "GET /metrics") return {200, "# HELP x y\nx 1\n"};
  if (request == "DELETE /api/v1/transfers/3") return {204, ""};
  return {404, "{\"title\":\"not found\",\"detail\":\"there is nothing of this name\"}"};
}

// No variable of who runs the tests decides what the screen is drawn with.
struct Plain {
  test::EnvironmentVariable all{"LC_ALL", "C"}, type{"LC_CTYPE", nullptr}, language{"LANG", nullptr};
};

}  // namespace

TEST_CASE("the screen has the transfers of all pages, what needs somebody first") {
  const test::Site site;
  const Plain plain;
  AnsweringServer server(site.depot.state(), answer);
  const auto ran = site.run(status_command);
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  const auto lines = test::lines_in(ran.out);
  REQUIRE(lines.size() == 7);
  CHECK(lines[0] == "apdepot 0.2.0  /srv/depot  up 10 min");
  CHECK(lines[1].starts_with("3 transfers, "));
  CHECK(lines[4].starts_with("!  50% [#######.......] 192.0.2.3 "));
  CHECK(lines[5].starts_with("   50% [#######.......] 192.0.2.1 "));
  CHECK(lines[6].starts_with("   50% [#######.......] 192.0.2.2 "));
  CHECK(server.asked() == Words{"GET /api/v1/status", "GET /api/v1/transfers",
                                "GET /api/v1/transfers?after=2", "GET /api/v1/recent"});
}

TEST_CASE("as JSON all pages are one list") {
  const test::Site site;
  AnsweringServer server(site.depot.state(), answer);
  const auto json = YAML::Load(site.run(status_command, {"--json"}).out);
  CHECK(json["status"]["version"].as<std::string>() == "0.2.0");
  REQUIRE(json["transfers"]["items"].size() == 3);
  CHECK(json["transfers"]["items"][2]["id"].as<int>() == 3);
  CHECK(json["recent"]["misses"].IsSequence());
}

TEST_CASE("a page without a transfer leaves no comma in the list") {
  const test::Site site;
  const auto of_pages = [&](const std::string& first, const std::string& second) {
    AnsweringServer server(site.depot.state(), [&](const std::string& request) -> AnsweringServer::Reply {
      if (request == "GET /api/v1/transfers") return {200, "{\"items\":[" + first + "],\"next\":7}\n"};
      if (request == "GET /api/v1/transfers?after=7")
        return {200, "{\"items\":[" + second + "],\"next\":null}\n"};
      return answer(request);
    });
    const auto ran = site.run(status_command, {"--json"});
    const auto begin = ran.out.find("\"transfers\":{\"items\":[");
    REQUIRE(begin != ran.out.npos);
    return ran.out.substr(begin + 12, ran.out.find(",\"recent\"") - begin - 12);
  };
  CHECK(of_pages("", "") == "{\"items\":[]}");
  CHECK(of_pages("1", "") == "{\"items\":[1]}");
  CHECK(of_pages("", "2") == "{\"items\":[2]}");
  CHECK(of_pages("1", "2") == "{\"items\":[1,\n2]}");
}

TEST_CASE("metrics are printed as the server gives them") {
  const test::Site site;
  AnsweringServer server(site.depot.state(), answer);
  CHECK(site.run(status_command, {"--metrics"}).out == "# HELP x y\nx 1\n");
  CHECK(server.asked() == Words{"GET /metrics"});
}

TEST_CASE(
    "a transfer is stopped by its number, and one that is not there is an error in the server's words") {
  const test::Site site;
  AnsweringServer server(site.depot.state(), answer);
  const auto stopped = site.run(status_command, {"--stop", "3"});
  CHECK(stopped.status == 0);
  CHECK(stopped.out.empty());
  const auto missing = site.run(status_command, {"--stop", "4"});
  CHECK(missing.status == 1);
  CHECK(has(missing.mistake, "there is nothing of this name"));
  CHECK(server.asked() == Words{"DELETE /api/v1/transfers/3", "DELETE /api/v1/transfers/4"});
}

TEST_CASE("without a server the command says which depot it asked for, and how another one is named") {
  const test::Site site;
  const auto directory = site.depot.directory().string();
  for (const auto& words : {Words{}, Words{"--json"}, Words{"--metrics"}, Words{"--stop", "1"},
                            Words{"--watch"}, Words{"--watch", "--json"}}) {
    const auto ran = site.run(status_command, words);
    CHECK(ran.status == 1);
    CHECK(ran.out.empty());
    CHECK(ran.mistake == "no server answers for the depot " + directory +
                             ": No such file or directory; is it running? `systemctl status apdepot`, and "
                             "--depot DIR or --config FILE names another depot");
  }
  { AnsweringServer gone(site.depot.state(), answer); }
  site.dir.write("depot/state/control.sock", "not a socket");
  CHECK(has(site.run(status_command).mistake, "Connection refused; is it running?"));
}

TEST_CASE("a server that goes away in the middle of its answer does not answer") {
  const test::Site site;
  AnsweringServer server(site.depot.state(), [](const std::string& request) {
    auto reply = answer(request);
    reply.cut = request == "GET /api/v1/recent";
    return reply;
  });
  for (const auto& words : {Words{}, Words{"--json"}}) {
    const auto ran = site.run(status_command, words);
    CHECK(ran.status == 1);
    CHECK(ran.out.empty());
    CHECK(ran.mistake.starts_with("no server answers for the depot "));
  }
}

TEST_CASE("a server of another version, or one that fails, is told apart from one that is not there") {
  const test::Site site;
  const auto mistake_of = [&](const std::string& transfers, unsigned code = 200) {
    AnsweringServer server(site.depot.state(), [&](const std::string& request) -> AnsweringServer::Reply {
      return request == "GET /api/v1/transfers" ? AnsweringServer::Reply{code, transfers} : answer(request);
    });
    const auto ran = site.run(status_command);
    CHECK(ran.status == 1);
    CHECK(ran.out.empty());
    return ran.mistake;
  };
  constexpr auto older = "the server is of another version: restart it";
  CHECK(mistake_of("[]") == older);
  CHECK(mistake_of("") == older);
  CHECK(mistake_of("{\"items\":[]}") == older);
  CHECK(mistake_of("{\"next\":null,\"items\":[]}") == older);
  CHECK(mistake_of("{\"items\":[],\"next\":null}", 500) == "{\"items\":[],\"next\":null}");
  CHECK(has(mistake_of("{\"items\":[{],\"next\":null}"), "the server's answer cannot be read"));
}

TEST_CASE("the first variable that says something decides whether the screen is drawn with UTF-8") {
  const test::Site site;
  AnsweringServer server(site.depot.state(), answer);
  struct Row {
    const char *all, *type, *language;
    bool utf8;
  };
  for (const auto& [all, type, language, utf8] :
       {Row{nullptr, nullptr, nullptr, false}, Row{nullptr, nullptr, "en_US.UTF-8", true},
        Row{"", "", "C.UTF-8", true}, Row{"C", nullptr, "C.UTF-8", false}, Row{"C.UTF-8", "C", "C", true},
        Row{nullptr, "C", "C.UTF-8", false}, Row{"", "C.UTF-8", "C", true}}) {
    const test::EnvironmentVariable first("LC_ALL", all), second("LC_CTYPE", type), third("LANG", language);
    const auto ran = site.run(status_command);
    CHECK(has(ran.out, "\xe2\x96\x88") == utf8);
    CHECK(has(ran.out, "[####") == !utf8);
  }
}

TEST_CASE("the screen is as wide as the terminal, and through a pipe wide enough for all columns") {
  const test::Site site;
  const Plain plain;
  AnsweringServer server(site.depot.state(), answer);
  CHECK(has(site.run(status_command).out, "500 B of 1.0 kB"));
  const auto ran = test::run_on_terminal(status_command, site.words({}), 60);
  if (!ran) return;
  CHECK(ran->status == 0);
  CHECK_FALSE(has(ran->out, "500 B of 1.0 kB"));
  CHECK(has(ran->out, "[###...] 192.0.2.1 "));
}

TEST_CASE("status takes no word, and does not look for a server without a depot") {
  const test::Site site;
  CHECK(site.run(status_command, {"x"}).mistake == "unexpected argument x");
  const auto ran = test::run(status_command,
                             {"--config", site.config().string(), "--depot", (site.dir / "none").string()});
  CHECK(ran.mistake.starts_with("there is no depot in "));
}
