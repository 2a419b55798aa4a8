#include "tests/unit/server/commands/answering_server.hpp"
#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
using test::AnsweringServer;
using test::has;
using test::Words;

namespace {

// What comes of `web code` where the server answers that.
test::Ran told(unsigned status, const std::string& body) {
  const test::Site site;
  AnsweringServer server(site.depot.state(), [&](const std::string&) -> AnsweringServer::Reply {
    return {status, body};
  });
  return site.run(web_command, {"code"});
}

}  // namespace

TEST_CASE("the code goes to stdout alone, and where the page is to stderr") {
  const test::Site site;
  AnsweringServer server(site.depot.state(), [](const std::string& request) -> AnsweringServer::Reply {
    if (request == "GET /api/v1/web/code")
      return {200,
              R"({"code":"ABCD-1234","pages":["https://192.0.2.2:8443/","https://[2001:db8::1]:8443/"]})"};
    return {200, R"({"fingerprint":"AB:CD","code":"not this","pages":[]})"};
  });
  const auto code = site.run(web_command, {"code"});
  CHECK(code.status == 0);
  CHECK(code.out == "ABCD-1234\n");
  CHECK(code.err == "https://192.0.2.2:8443/\nhttps://[2001:db8::1]:8443/\n");
  const auto fingerprint = site.run(web_command, {"fingerprint"});
  CHECK(fingerprint.status == 0);
  CHECK(fingerprint.out == "AB:CD\n");
  CHECK(fingerprint.err.empty());
  CHECK(server.asked() == Words{"GET /api/v1/web/code", "GET /api/v1/web/fingerprint"});
}

TEST_CASE("what the server does not give is an error with its reason and its fix") {
  struct Row {
    unsigned status;
    const char *body, *mistake;
  };
  for (const auto& [status, body, mistake] :
       {Row{404, R"({"detail":"an administrator exists already","fix":"log in"})",
            "an administrator exists already; log in"},
        Row{404, R"({"detail":"the page is off"})", "the page is off; see its log"},
        Row{503, "{}", "no answer; see its log"},
        Row{500, R"({"detail":null,"fix":["x"]})", "no answer; see its log"},
        Row{204, "", "no answer; see its log"}}) {
    const auto ran = told(status, body);
    CHECK(ran.status == 1);
    CHECK(ran.mistake == mistake);
    CHECK(ran.out.empty());
  }
  CHECK(has(told(200, "{").mistake, "the server's answer cannot be read"));
}

TEST_CASE("without a server web says how one is started") {
  const test::Site site;
  const auto ran = site.run(web_command, {"code"});
  CHECK(ran.status == 1);
  CHECK(ran.out.empty());
  CHECK(ran.mistake == "no server answers in " + site.depot.directory().string() +
                           ": No such file or directory; is it running? `systemctl status apdepot`, or "
                           "`apdepot serve` starts it");
}

TEST_CASE("a server that goes away in the middle is one that does not answer") {
  const test::Site site;
  AnsweringServer server(site.depot.state(), [](const std::string&) -> AnsweringServer::Reply {
    return {200, "{\"code\":\"x\"}", true};
  });
  CHECK(has(site.run(web_command, {"code"}).mistake, "no server answers in "));
}

TEST_CASE("web is told which of the two it is to print") {
  const test::Site site;
  CHECK(site.run(web_command).mistake == "code or fingerprint is missing");
  CHECK(site.run(web_command, {"codes"}).mistake == "web codes: it is code or fingerprint");
  CHECK(site.run(web_command, {"code", "x"}).mistake == "unexpected argument x");
  CHECK(site.run(web_command, {"codes"}).status == 2);
}
