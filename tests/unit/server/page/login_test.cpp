// Logging in and out, and the first administrator: server/page/login.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conf/load.hpp"
#include "conf/tokens.hpp"
#include "conf/users.hpp"
#include "server/accounts/password.hpp"
#include "server/accounts/tokens.hpp"
#include "server/accounts/users.hpp"
#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/events/warning.hpp"
#include "server/events/web.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/page/page.hpp"
#include "storage/depot/depot.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using namespace std::chrono_literals;
using event::LoginFault;
using http::Door;
using http::Proof;
using http::Role;

namespace {

constexpr auto key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f someone";
constexpr auto good_password = "long enough for it", here = "192.0.2.7";

conf::User user(const std::string& name, conf::WebRole web, bool with_password = true) {
  static const auto hash = hash_password(good_password);
  conf::User made;
  made.name = name;
  made.web = web;
  if (with_password) made.password_hash = hash;
  if (!with_password) made.authorized_keys = {key};
  return made;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string form(const std::string& name, const std::string& password) {
  return R"({"name":")" + name + R"(","password":")" + password + "\"}";
}

std::string header(const http::Reply& reply, const std::string& name) {
  for (const auto& [each, value] : reply.headers)
    if (each == name) return value;
  return "";
}

// The page's door. The loop runs only while a test waits for an answer.
struct Site {
  using Answer = std::shared_ptr<std::optional<http::Reply>>;

  test::TempDir dir;
  net::io_context loop;
  storage::Depot depot{dir.path()};
  std::shared_ptr<conf::Settings> configured =
      std::make_shared<conf::Settings>(conf::load_defaults().settings);
  Lanes lanes{loop};
  Events events;
  LiveSettings settings{configured};
  ServedCertificate certificate{loop, lanes, events, settings, depot};
  Page page{loop, lanes, events, settings, depot, certificate};
  http::Router router;
  http::Listener listener{loop, lanes.negotiating, router, [](Door, unsigned) {}};
  std::vector<event::WebLoginFailed> failed;
  std::vector<event::WebLoggedIn> logged_in;
  std::vector<event::Acted> acts;
  std::vector<std::string> warnings;

  Site() {
    configured->depot = dir.path();
    page.offer(router);
    events.listen([this](const Event& event) {
      if (const auto* one = event.get_if<event::WebLoginFailed>()) failed.push_back(*one);
      if (const auto* one = event.get_if<event::WebLoggedIn>()) logged_in.push_back(*one);
      if (const auto* one = event.get_if<event::Acted>()) acts.push_back(*one);
      if (const auto* one = event.get_if<event::Warned>()) warnings.push_back(one->text);
    });
  }

  void save(const std::vector<conf::User>& users) const { conf::save_users(users, file()); }
  std::filesystem::path file() const { return users_file(*configured, depot); }
  // Opens the page's port; where nobody is an administrator there is a code from then on.
  void serve() {
    std::vector<tcp::acceptor> acceptors;
    acceptors.emplace_back(loop, tcp::endpoint(net::ip::address_v4::loopback(), 0));
    page.begin(std::move(acceptors), listener);
  }
  std::string code() const {
    const auto url = page.setup_url();
    return url.substr(url.find("#code=") + 6);
  }

  template <class Until>
  void run_until(Until until) {
    const auto guard = net::make_work_guard(loop);
    loop.restart();
    while (!until()) REQUIRE(loop.run_one_for(120s) > 0);
  }
  Answer begin(http::Request request, Door door = Door::page) {
    auto answer = std::make_shared<std::optional<http::Reply>>();
    router.answer(request, door, http::Respond([answer](http::Reply reply) { *answer = std::move(reply); }));
    return answer;
  }
  http::Reply wait_for(const Answer& answer) {
    run_until([&] { return answer->has_value(); });
    return **answer;
  }
  static http::Request post(const std::string& path, const std::string& body,
                            const std::string& client = here) {
    return {.method = "POST",
            .path = "/api/v1/" + path,
            .content_type = "application/json",
            .body = body,
            .proof = Proof::no_token,
            .client = client};
  }
  http::Reply log_in(const std::string& name, const std::string& password, const std::string& login = "") {
    auto request = post("session", form(name, password));
    request.login = login;
    return wait_for(begin(std::move(request)));
  }
  Answer begin_set_up(const std::string& typed, const std::string& name,
                      const std::string& password = good_password, const std::string& client = here) {
    const auto body = R"({"code":")" + typed + "\"," + form(name, password).substr(1);
    return begin(post("setup", body, client));
  }
  http::Reply set_up(const std::string& typed, const std::string& name,
                     const std::string& password = good_password, const std::string& client = here) {
    return wait_for(begin_set_up(typed, name, password, client));
  }
  http::Reply get(const std::string& path, Door door = Door::page) {
    return wait_for(begin({.method = "GET", .path = "/api/v1" + path, .role = Role::admin}, door));
  }
  // Who a browser with that cookie is.
  http::Request admitted(const std::string& cookie, const std::string& csrf = "") {
    return admitted(http::Head{.host = "127.0.0.1:8069",
                               .fetch_site = "same-origin",
                               .cookie = cookie,
                               .csrf = csrf,
                               .hosts = 1,
                               .peer = net::ip::make_address(here)});
  }
  http::Request admitted(const http::Head& head) {
    http::Request request{.method = "GET", .path = "/api/v1/status"};
    bool done = false;
    net::co_spawn(loop, page.admit(head, request),
                  [&](const std::exception_ptr& error, const std::optional<http::Reply>& refused) {
                    CHECK_FALSE(error);
                    CHECK_FALSE(refused);
                    done = true;
                  });
    run_until([&] { return done; });
    return request;
  }
  bool still_admits(const http::Request& request, const http::Head& head = {}) {
    std::optional<bool> may;
    net::co_spawn(loop, page.still_admits(head, request), [&](const std::exception_ptr& error, bool answer) {
      CHECK_FALSE(error);
      may = answer;
    });
    run_until([&] { return may.has_value(); });
    return *may;
  }
};

// "apdepot=..." of a header Set-Cookie.
std::string cookie_in(const http::Reply& reply) {
  const auto cookie = header(reply, "Set-Cookie");
  return cookie.substr(0, cookie.find(';'));
}

std::string csrf_in(const http::Reply& reply) {
  const auto at = reply.body.find("\"csrf\":\"") + 8;
  return reply.body.substr(at, reply.body.find('"', at) - at);
}

}  // namespace

TEST_CASE("who logs in gets a session, with the rights of the user") {
  Site site;
  site.save({user("maria", conf::WebRole::admin), user("ewc", conf::WebRole::viewer)});
  const auto reply = site.log_in("maria", good_password);
  CHECK(reply.status == 200);
  CHECK(reply.body.starts_with(R"({"name":"maria","role":"admin","csrf":")"));
  CHECK(header(reply, "Set-Cookie").ends_with("; Path=/; HttpOnly; SameSite=Strict"));
  CHECK(csrf_in(reply).size() == 43);
  REQUIRE(site.logged_in.size() == 1);
  CHECK(site.logged_in[0].user == "maria");
  CHECK(site.logged_in[0].client == here);

  const auto maria = site.admitted(cookie_in(reply), csrf_in(reply));
  CHECK(maria.role == Role::admin);
  CHECK(maria.name == "maria");
  CHECK(maria.proof == Proof::given);
  CHECK(site.admitted(cookie_in(reply), "wrong").proof == Proof::no_token);
  CHECK(site.admitted(cookie_in(reply)).proof == Proof::no_token);
  const auto viewer = site.log_in("ewc", good_password);
  CHECK(has(viewer.body, R"("role":"viewer")"));
  CHECK(site.admitted(cookie_in(viewer), csrf_in(reply)).proof == Proof::no_token);  // another one's
}

TEST_CASE("over TLS a session's cookie is for TLS alone, and it ends with the logout") {
  Site site;
  site.save({user("maria", conf::WebRole::admin)});
  auto request = Site::post("session", form("maria", good_password));
  request.secure = true;
  const auto reply = site.wait_for(site.begin(request));
  CHECK(header(reply, "Set-Cookie").starts_with("__Host-apdepot="));
  CHECK(header(reply, "Set-Cookie").ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"));
  CHECK(site.admitted(cookie_in(reply)).role == Role::none);  // that came without TLS
  const auto plain = cookie_in(reply).substr(std::string("__Host-").size());
  const auto session = site.admitted(plain).login;
  REQUIRE_FALSE(session.empty());

  http::Request out{
      .method = "DELETE", .path = "/api/v1/session", .role = Role::admin, .proof = Proof::given};
  out.login = session;
  out.secure = true;
  const auto ended = site.wait_for(site.begin(out));
  CHECK(ended.status == 204);
  CHECK(header(ended, "Set-Cookie") ==
        "__Host-apdepot=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0");
  CHECK(site.admitted(plain).role == Role::none);
}

TEST_CASE("who was let in is not any more after a logout, and with another password or role") {
  Site site;
  const auto enter = [&site] {
    site.save({user("maria", conf::WebRole::admin), user("ewc", conf::WebRole::viewer)});
    const auto viewer = site.admitted(cookie_in(site.log_in("ewc", good_password)));
    REQUIRE(viewer.role == Role::viewer);
    CHECK(site.still_admits(viewer));
    return viewer;
  };
  auto viewer = enter();
  viewer.method = "DELETE";
  viewer.path = "/api/v1/session";
  viewer.proof = Proof::given;
  CHECK(site.wait_for(site.begin(viewer)).status == 204);
  CHECK_FALSE(site.still_admits(viewer));

  viewer = enter();
  site.save({user("maria", conf::WebRole::admin)});
  CHECK_FALSE(site.still_admits(viewer));
  viewer = enter();
  site.save({user("ewc", conf::WebRole::admin)});
  CHECK_FALSE(site.still_admits(viewer));
}

TEST_CASE("a token lets nobody in any more once it is removed, or has another role") {
  Site site;
  const auto text = make_token();
  const auto save = [&](std::optional<conf::WebRole> role) {
    std::vector<conf::Token> tokens;
    if (role) tokens.push_back({.name = "prometheus", .role = *role, .sha256 = sha256_of(text)});
    conf::save_tokens(tokens, tokens_file(site.file()));
  };
  const http::Head head{.host = "127.0.0.1:8069",
                        .authorization = "Bearer " + text,
                        .hosts = 1,
                        .peer = net::ip::make_address(here)};
  save(conf::WebRole::viewer);
  const auto request = site.admitted(head);
  REQUIRE(request.role == Role::viewer);
  CHECK(site.still_admits(request, head));
  save(conf::WebRole::admin);
  CHECK_FALSE(site.still_admits(request, head));
  save({});
  CHECK_FALSE(site.still_admits(request, head));
}

TEST_CASE("another login of a browser ends its session so far") {
  Site site;
  site.save({user("maria", conf::WebRole::admin)});
  const auto first = cookie_in(site.log_in("maria", good_password));
  const auto other = cookie_in(site.log_in("maria", good_password));
  const auto session = site.admitted(first).login;
  REQUIRE_FALSE(session.empty());
  const auto second = cookie_in(site.log_in("maria", good_password, session));
  CHECK(site.admitted(first).role == Role::none);
  CHECK(site.admitted(other).role == Role::admin);
  CHECK(site.admitted(second).role == Role::admin);
}

TEST_CASE("who may not log in hears the same, whatever the reason, and the log has it") {
  struct Row {
    const char *name, *password;
    LoginFault fault;
  };
  const Row rows[] = {{"maria", "another password", LoginFault::wrong_password},
                      {"nobody", good_password, LoginFault::unknown_user},
                      {"Maria", good_password, LoginFault::other_case},
                      {"ewc", good_password, LoginFault::no_web},
                      {"ewc", "another password", LoginFault::wrong_password},
                      {"ops", "", LoginFault::no_password}};
  Site site;
  site.configured->ssh.trusted = {*conf::parse_network("192.0.2.0/24")};
  site.save({user("maria", conf::WebRole::admin), user("ewc", conf::WebRole::none),
             user("ops", conf::WebRole::viewer, false)});
  std::string said;
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto reply = site.log_in(row.name, row.password);
    CHECK(reply.status == 401);
    CHECK(header(reply, "Set-Cookie").empty());
    if (!said.empty()) CHECK(reply.body == said);
    said = reply.body;
    CHECK(site.failed.back().user == row.name);
    CHECK(site.failed.back().client == here);
    CHECK(site.failed.back().fault == row.fault);
  }
  CHECK(site.failed.size() == std::size(rows));
  CHECK(site.logged_in.empty());
}

TEST_CASE("a form that is not understood is refused before any password is looked at") {
  Site site;
  const auto ask = [&](const std::string& body, const std::string& type = "application/json") {
    auto request = Site::post("session", body);
    request.content_type = type;
    const auto answer = site.begin(request);
    REQUIRE(*answer);
    return **answer;
  };
  CHECK(ask(form("a", "b"), "text/plain").status == 415);
  CHECK(has(ask(form("a", "b"), "text/plain").body, "this takes application/json, not text/plain"));
  for (const auto* body :
       {"", "[]", "{}", R"({"name":"a"})", R"({"password":"b"})", R"({"name":"a","password":1})",
        R"({"name":"a","password":"b"} x)", R"({"name":"a","name":"b","password":"c"})",
        R"({"name":{"a":"b"},"password":"c"})"}) {
    CAPTURE(body);
    const auto reply = ask(body);
    CHECK(reply.status == 400);
    CHECK(has(reply.body, "the body is not a JSON object of texts with name, password"));
  }
  CHECK(ask(form(std::string(257, 'a'), "b")).status == 400);
  CHECK(ask(form("a", std::string(1025, 'b'))).status == 400);
  CHECK(site.failed.empty());
  CHECK(site.log_in(std::string(256, 'a'), std::string(1024, 'b')).status == 401);
}

TEST_CASE("after five failures an address waits a minute, for a login too, and others do not") {
  Site site;
  site.serve();
  for (int i = 0; i < 5; ++i) CHECK(site.set_up("AAAA-AAAA", "maria").status == 403);
  CHECK(site.failed.size() == 5);
  CHECK(site.failed[4].fault == LoginFault::wrong_code);
  const auto login = site.log_in("maria", good_password);
  CHECK(login.status == 429);
  CHECK(header(login, "Retry-After") == "60");
  CHECK(has(login.body, "too many logins from 192.0.2.7 have failed: the next may be in 60 s"));
  CHECK(site.failed.back().fault == LoginFault::not_judged);
  CHECK(site.set_up(site.code(), "maria").status == 429);
  CHECK(site.set_up("AAAA-AAAA", "maria", good_password, "192.0.2.8").status == 403);
  CHECK_FALSE(std::filesystem::exists(site.file()));
}

TEST_CASE("an address that is trusted has any number of tries, and a login takes its own try back") {
  Site site;
  site.serve();
  site.configured->ssh.trusted = {*conf::parse_network("198.51.100.0/24")};
  for (int i = 0; i < 70; ++i)
    CHECK(site.set_up("AAAA-AAAA", "maria", good_password, "::ffff:198.51.100.9").status == 403);
  site.save({user("ewc", conf::WebRole::viewer)});
  for (int i = 0; i < 4; ++i) CHECK(site.set_up("AAAA-AAAA", "maria").status == 403);
  CHECK(site.log_in("ewc", good_password).status == 200);
  CHECK(site.set_up("AAAA-AAAA", "maria").status == 403);
  CHECK(site.set_up("AAAA-AAAA", "maria").status == 429);
}

TEST_CASE("the first administrator is made with the code, once") {
  Site site;
  site.serve();
  CHECK(has(site.get("").body, R"("needs_setup":true)"));
  REQUIRE(site.warnings.size() == 1);
  CHECK(has(site.warnings[0], site.page.setup_url()));
  CHECK(has(site.get("/web/code", Door::control).body, R"({"code":")" + site.code() + R"(","pages":[")"));

  const auto code = site.code();
  const auto first = site.begin_set_up(code, "maria"), second = site.begin_set_up(code, "mallory");
  REQUIRE(*second);
  CHECK((*second)->status == 404);
  const auto made = site.wait_for(first);
  CHECK(made.status == 201);
  CHECK(made.body == R"({"name":"maria","role":"admin","csrf":""})"
                     "\n");
  const auto users = conf::load_users(site.file());
  REQUIRE(users.size() == 1);
  CHECK(users[0].name == "maria");
  CHECK(users[0].web == conf::WebRole::admin);
  CHECK_FALSE(users[0].sftp);
  CHECK(verify_password(good_password, users[0].password_hash));
  REQUIRE(site.acts.size() == 1);
  CHECK(site.acts[0].who == "maria");
  CHECK(site.acts[0].subject == "the page, from 192.0.2.7");
  CHECK(site.acts[0].outcome == "done");

  CHECK(site.set_up(code, "mallory").status == 404);
  CHECK(site.page.setup_url().empty());
  CHECK(has(site.get("").body, R"("needs_setup":false)"));
  const auto none = site.get("/web/code", Door::control);
  CHECK(none.status == 404);
  CHECK(has(none.body, "the page has an administrator already"));
}

TEST_CASE("a set-up that asks for what cannot be is refused, and the code stays good") {
  Site site;
  site.save({user("ewc", conf::WebRole::viewer)});
  site.serve();
  struct Row {
    std::string name, password;
    unsigned status;
    const char* why;
  };
  const Row rows[] = {{"-maria", good_password, 400, "that is not a valid user name"},
                      {std::string(33, 'm'), good_password, 400, "that is not a valid user name"},
                      {"maria", "elevenchars", 400, "a password has 12 to 1024 bytes"},
                      {"maria", std::string(1025, 'x'), 400, "a password has 12 to 1024 bytes"},
                      {"ewc", good_password, 409, "there is a user ewc already"},
                      {"EWC", good_password, 409, "there is a user EWC already"}};
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto reply = site.set_up(site.code(), row.name, row.password);
    CHECK(reply.status == row.status);
    CHECK(has(reply.body, row.why));
  }
  CHECK(conf::load_users(site.file()).size() == 1);
  CHECK(site.failed.empty());
  auto typed = site.code();
  std::ranges::transform(typed, typed.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  CHECK(site.set_up(typed, "maria", "twelve chars").status == 201);
  CHECK(conf::load_users(site.file()).size() == 2);
}

TEST_CASE("an administrator who was made by a command meanwhile ends the set-up") {
  Site site;
  site.serve();
  site.save({user("ops", conf::WebRole::admin)});
  const auto code = site.code();
  CHECK(site.set_up(code, "maria").status == 404);
  CHECK(conf::load_users(site.file()).size() == 1);
  CHECK(site.page.setup_url().empty());
  REQUIRE(site.acts.size() == 1);
  CHECK(site.acts[0].outcome != "done");
}

TEST_CASE("a set-up that cannot write the users file says why, and may be tried again") {
  Site site;
  site.serve();
  site.dir.write("state/users.yaml", "users: 7\n");
  std::filesystem::permissions(site.file(),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto reply = site.set_up(site.code(), "maria");
  CHECK(reply.status == 500);
  CHECK(has(reply.body, "apdepot user add NAME --web admin"));
  CHECK(has(site.acts.at(0).outcome, "not done "));
  std::filesystem::remove(site.file());
  CHECK(site.set_up(site.code(), "maria").status == 201);
}

TEST_CASE("where there is an administrator, or no page, there is no code") {
  Site site;
  const auto no_page = site.get("/web/code", Door::control);
  CHECK(no_page.status == 404);
  CHECK(has(no_page.body, "no page is served"));
  site.save({user("maria", conf::WebRole::admin)});
  site.serve();
  CHECK(site.page.setup_url().empty());
  CHECK(site.warnings.empty());
  CHECK(site.set_up("AAAA-AAAA", "mallory").status == 404);
  CHECK(has(site.get("").body, R"("needs_setup":false)"));
  const auto fingerprint = site.get("/web/fingerprint");
  CHECK(fingerprint.status == 404);
  CHECK(has(fingerprint.body, "nothing is served over TLS"));
}
