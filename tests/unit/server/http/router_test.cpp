#include "server/http/router.hpp"

#include <doctest/doctest.h>

#include <optional>

using namespace server::http;

namespace {

const Doors inside{Door::control, Door::page};

class Nobody final : public Receiver {
 public:
  server::net::awaitable<std::optional<Reply>> begin(std::optional<std::uint64_t>) override {
    co_return std::nullopt;
  }
  server::net::awaitable<std::optional<Reply>> take(std::span<const std::byte>) override {
    co_return std::nullopt;
  }
  server::net::awaitable<Reply> end() override { co_return Reply{}; }
};

Router router() {
  Router all;
  const auto says = [](const char* text) {
    return at_once([text](const Request&, const std::string& part) { return Reply{.body = text + part}; });
  };
  all.add({"GET", "/api/v1/things", Role::viewer, false, inside, says("all")});
  all.add({"GET", "/api/v1/things/{}", Role::viewer, false, inside, says("one ")});
  all.add({"DELETE", "/api/v1/things/{}", Role::admin, true, inside, says("gone ")});
  all.add({"POST", "/api/v1/session", Role::none, true, {Door::page}, says("logged in")});
  all.add({"POST", "/api/v1/releases/{path...}/promote", Role::admin, true, inside, says("current ")});
  all.add({"GET", "/api/v1/releases/{path...}", Role::viewer, false, inside, says("release ")});
  all.add({"GET", "/metrics", Role::viewer, false, {Door::control, Door::metrics}, says("numbers")});
  return all;
}

Router router_of_pieces() {
  auto all = router();
  all.add({"PATCH", "/api/v1/uploads/{}", Role::admin, true, inside, nullptr,
           [](const Request&, const std::string&) { return std::make_unique<Nobody>(); }});
  return all;
}

Reply ask(const Request& request, Door door = Door::control) {
  std::optional<Reply> answered;
  router().answer(request, door, Respond([&](Reply reply) { answered = std::move(reply); }));
  REQUIRE(answered);
  return *answered;
}

Reply ask(const std::string& method, const std::string& path, Role role = Role::viewer,
          Door door = Door::control) {
  return ask(Request{.method = method, .path = path, .role = role}, door);
}

std::string path_for(const Route& route) {
  auto path = route.pattern;
  for (const auto* variable : {"{}", "{path...}"})
    if (const auto at = path.find(variable); at != path.npos)
      path.replace(at, std::string(variable).size(), "7");
  return path;
}

}  // namespace

TEST_CASE("a request is answered by its row") {
  CHECK(ask("GET", "/api/v1/things").body == "all");
  CHECK(ask("GET", "/api/v1/things/7").body == "one 7");
  CHECK(ask("DELETE", "/api/v1/things/7", Role::admin).body == "gone 7");
  CHECK(ask("HEAD", "/api/v1/things").status == 200);
}

TEST_CASE("the rest of a path is one value, however it is written") {
  for (const auto* path : {"EWC/17_9_4a", "/EWC/17_9_4a", "EWC%2F17_9_4a", "%2fEWC%2f17%5F9_4a"}) {
    CHECK_MESSAGE(ask("GET", std::string("/api/v1/releases/") + path).body == "release /EWC/17_9_4a", path);
    CHECK_MESSAGE(ask("POST", std::string("/api/v1/releases/") + path + "/promote", Role::admin).body ==
                      "current /EWC/17_9_4a",
                  path);
  }
  CHECK(ask("GET", "/api/v1/releases/").status == 404);
  CHECK(ask("POST", "/api/v1/releases/promote", Role::admin).status == 405);
  CHECK(ask("GET", "/api/v1/things/a%20b").body == "one a b");
}

TEST_CASE("a path with a broken percent sign is not found") {
  for (const auto* end : {"%", "%2", "%zz", "a%+1", "%2g"}) {
    CHECK_MESSAGE(ask("GET", std::string("/api/v1/things/") + end).status == 404, end);
    CHECK_MESSAGE(ask("GET", std::string("/api/v1/releases/") + end).status == 404, end);
  }
}

TEST_CASE("what no row has is not found, and what a path does not take is told with what it takes") {
  for (const auto* path :
       {"/", "", "/api/v1/thing", "/api/v1/things/", "/api/v1/things/7/8", "/api/v1/things/../x/y"})
    CHECK_MESSAGE(ask("GET", path).status == 404, path);
  const auto wrong = ask("PUT", "/api/v1/things/7");
  CHECK(wrong.status == 405);
  CHECK(wrong.body.find("DELETE, GET") != std::string::npos);
  CHECK(wrong.type == "application/problem+json");
  REQUIRE(wrong.headers.size() == 1);
  CHECK(wrong.headers[0] == std::pair<std::string, std::string>("Allow", "DELETE, GET"));
}

TEST_CASE("each row is refused to who has less than it needs, and each change without its proof") {
  const auto all = router();
  for (const auto& route : all.routes())
    for (const auto role : {Role::none, Role::viewer, Role::admin})
      for (const auto proof : {Proof::needless, Proof::given, Proof::no_token, Proof::foreign_origin}) {
        const Request request{.method = route.method, .path = path_for(route), .role = role, .proof = proof};
        const auto status = ask(request, *route.doors.begin()).status;
        const bool proven = proof == Proof::needless || proof == Proof::given ||
                            (proof == Proof::no_token && route.needs == Role::none);
        const auto expected = role == Role::none && route.needs != Role::none   ? 401
                              : role < route.needs || (route.writes && !proven) ? 403
                                                                                : 200;
        CHECK_MESSAGE(status == expected, route.method << " " << route.pattern);
      }
}

TEST_CASE("a change does not take what a browser's form can send") {
  for (const auto* type : {"application/x-www-form-urlencoded", "multipart/form-data"})
    CHECK(ask({.method = "POST", .path = "/api/v1/session", .content_type = type}, Door::page).status == 415);
}

TEST_CASE("each door has its own rows only") {
  CHECK(ask("GET", "/metrics", Role::viewer, Door::metrics).body == "numbers");
  CHECK(ask("GET", "/metrics", Role::viewer, Door::page).status == 404);
  CHECK(ask("GET", "/api/v1/things", Role::viewer, Door::metrics).status == 404);
  CHECK(ask("POST", "/api/v1/session", Role::admin, Door::control).status == 404);
}

TEST_CASE("an answer may come later, and a request that is given up is told so") {
  Router all;
  std::optional<Respond> kept;
  all.add({"GET", "/later", Role::none, false, inside,
           [&](const Request&, const std::string&, Respond respond) { kept.emplace(std::move(respond)); }});
  std::vector<unsigned> heard;
  const auto ask_later = [&] {
    all.answer({.method = "GET", .path = "/later"}, Door::page,
               Respond([&](Reply reply) { heard.push_back(reply.status); }));
  };
  ask_later();
  CHECK(heard.empty());
  (*kept)({.status = 201});
  kept.reset();
  CHECK(heard == std::vector<unsigned>{201});
  ask_later();
  kept.reset();
  CHECK(heard == std::vector<unsigned>{201, 500});
}

TEST_CASE("hostile text in a problem is escaped") {
  CHECK(problem(400, "bad", "a\n\"b\"", "fix").body ==
        "{\"title\":\"bad\",\"status\":400,\"detail\":\"a\\\\n\\\"b\\\"\",\"fix\":\"fix\"}\n");
}

TEST_CASE("a body is taken in pieces where the row says so, from whom may send it") {
  const auto received = [](Request request) {
    request.path = "/api/v1/uploads/7";
    return router_of_pieces().receive(request, Door::page);
  };
  const Request good{.method = "PATCH", .role = Role::admin, .proof = Proof::given};
  const auto taken = received(good);
  CHECK(std::holds_alternative<std::unique_ptr<Receiver>>(taken));

  auto viewer = good, elsewhere = good, nobody = good, other = good;
  viewer.role = Role::viewer;
  elsewhere.proof = Proof::no_token;
  nobody.role = Role::none;
  other.method = "PUT";
  for (const auto& [request, status] : {std::pair(viewer, 403U), std::pair(elsewhere, 403U),
                                        std::pair(nobody, 401U), std::pair(other, 405U)}) {
    const auto answered = received(request);
    REQUIRE(std::holds_alternative<Reply>(answered));
    CHECK(std::get<Reply>(answered).status == status);
  }
}

TEST_CASE("only that row takes a body in pieces, at its doors") {
  const auto all = router_of_pieces();
  Request request{.method = "PATCH", .path = "/api/v1/uploads/7"};
  CHECK(all.takes_pieces(request, Door::page));
  CHECK_FALSE(all.takes_pieces(request, Door::metrics));
  request.method = "DELETE";
  CHECK_FALSE(all.takes_pieces(request, Door::page));
  request = {.method = "DELETE", .path = "/api/v1/things/7"};
  CHECK_FALSE(all.takes_pieces(request, Door::page));
}
