#include "server/http/router.hpp"

#include <doctest/doctest.h>

using namespace server::http;

namespace {

Router router() {
  Router all;
  const auto says = [](const char* text) {
    return [text](const Request&, const std::string& part) { return Reply{.body = text + part}; };
  };
  all.add({"GET", "/api/v1/things", Role::viewer, false, says("all")});
  all.add({"GET", "/api/v1/things/{}", Role::viewer, false, says("one ")});
  all.add({"DELETE", "/api/v1/things/{}", Role::admin, false, says("gone ")});
  all.add({"GET", "/metrics", Role::viewer, true, says("numbers")});
  return all;
}

Reply ask(const std::string& method, const std::string& path, Role role = Role::viewer,
          Door door = Door::control) {
  return router().answer({method, path, {}, {}, role}, door);
}

}  // namespace

TEST_CASE("a request is answered by its row") {
  CHECK(ask("GET", "/api/v1/things").body == "all");
  CHECK(ask("GET", "/api/v1/things/7").body == "one 7");
  CHECK(ask("DELETE", "/api/v1/things/7", Role::admin).body == "gone 7");
  CHECK(ask("HEAD", "/api/v1/things").status == 200);
}

TEST_CASE("what no row has is not found, and what a path does not take is told with what it takes") {
  for (const auto* path :
       {"/", "", "/api/v1/thing", "/api/v1/things/", "/api/v1/things/7/8", "/api/v1/things/../x/y"})
    CHECK_MESSAGE(ask("GET", path).status == 404, path);
  const auto wrong = ask("PUT", "/api/v1/things/7");
  CHECK(wrong.status == 405);
  CHECK(wrong.body.find("DELETE, GET") != std::string::npos);
  CHECK(wrong.type == "application/problem+json");
}

TEST_CASE("each row is refused to who has less than it needs") {
  const auto all = router();
  for (const auto& route : all.routes()) {
    auto path = route.pattern;
    if (path.ends_with("{}")) path.replace(path.size() - 2, 2, "7");
    for (const auto role : {Role::none, Role::viewer, Role::admin}) {
      const auto status = all.answer({route.method, path, {}, {}, role}, Door::control).status;
      CHECK_MESSAGE(status == (role < route.needs ? 403 : 200), route.method << " " << path);
    }
  }
}

TEST_CASE("the metrics' door has its own rows only") {
  CHECK(ask("GET", "/metrics", Role::viewer, Door::metrics).body == "numbers");
  CHECK(ask("GET", "/api/v1/things", Role::viewer, Door::metrics).status == 404);
}

TEST_CASE("hostile text in a problem is escaped") {
  CHECK(problem(400, "bad", "a\n\"b\"", "fix").body ==
        "{\"title\":\"bad\",\"status\":400,\"detail\":\"a\\\\n\\\"b\\\"\",\"fix\":\"fix\"}\n");
}
