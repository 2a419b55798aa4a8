#include <fmt/format.h>

#include <expected>
#include <initializer_list>
#include <map>

#include "conf/names.hpp"
#include "conf/settings.hpp"
#include "conf/users.hpp"
#include "server/accounts/password.hpp"
#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/events/ssh.hpp"
#include "server/events/web.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/networks.hpp"
#include "server/page/origin.hpp"
#include "server/page/page.hpp"
#include "server/text/escape.hpp"
#include "server/text/flat_json.hpp"
#include "server/text/json.hpp"
#include "storage/depot/staging.hpp"

// Logging in and out, and the first administrator: the endpoints of the page's door.
namespace server {
namespace {

using http::Door;
using http::Reply;
using http::Request;
using http::Respond;
using http::Role;

constexpr std::size_t least_password = 12, longest_password = 1024, longest_name = 256;

// What a form of the page sends; or why it cannot be taken.
std::expected<std::map<std::string, std::string>, Reply> form_of(const Request& request,
                                                                 std::initializer_list<const char*> keys) {
  if (request.content_type != "application/json")
    return std::unexpected(http::problem(415, "unsupported media type",
                                         "this takes application/json, not " + request.content_type,
                                         "send the header Content-Type: application/json"));
  auto form = flat_json(request.body);
  std::string wanted;
  for (const auto* key : keys) wanted.append(wanted.empty() ? "" : ", ").append(key);
  for (const auto* key : keys) {
    if (form && form->contains(key)) continue;
    return std::unexpected(http::problem(
        400, "bad request", fmt::format("the body is not a JSON object of texts with {}", wanted)));
  }
  return std::move(*form);
}

std::string session_json(const std::string& name, Role role, const std::string& csrf) {
  JsonObject object;
  object.add("name", name);
  object.add_safe("role", role == Role::admin ? "admin" : "viewer");
  object.add_safe("csrf", csrf);
  return object.text() + "\n";
}

std::string set_cookie(const std::string& value, bool secure, bool ends) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}{}", session_cookie(secure), value,
                     secure ? "; Secure" : "", ends ? "; Max-Age=0" : "");
}

Reply wrong_login() {
  return http::problem(401, "not logged in",
                       "the name or the password is wrong, or the account may not use the page",
                       "`apdepot user list` shows who may, `apdepot user passwd NAME` sets a password");
}

}  // namespace

struct Page::Verdict {
  UserLookup lookup;
  bool good = false;
};

void Page::offer(http::Router& router) {
  const http::Doors inside{Door::control, Door::page};
  const auto now = [](auto answer) { return http::at_once(std::move(answer)); };
  router.add(
      {"GET", "/api/v1", Role::none, false, inside,
       [this](const Request&, const std::string&, Respond respond) { tell_about(std::move(respond)); }});
  router.add({"GET",
              "/api/v1/session",
              Role::viewer,
              false,
              {Door::page},
              now([this](const Request& request, const std::string&) { return session(request); })});
  router.add({"DELETE",
              "/api/v1/session",
              Role::viewer,
              true,
              {Door::page},
              now([this](const Request& request, const std::string&) { return log_out(request); })});
  router.add({"POST",
              "/api/v1/session",
              Role::none,
              true,
              {Door::page},
              [this](const Request& request, const std::string&, Respond respond) {
                log_in(request, std::move(respond));
              }});
  router.add({"POST",
              "/api/v1/setup",
              Role::none,
              true,
              {Door::page},
              [this](const Request& request, const std::string&, Respond respond) {
                set_up(request, std::move(respond));
              }});
  router.add({"GET",
              "/api/v1/web/code",
              Role::admin,
              false,
              {Door::control},
              now([this](const Request&, const std::string&) { return code(); })});
  router.add({"GET", "/api/v1/web/fingerprint", Role::viewer, false, inside,
              now([this](const Request&, const std::string&) { return fingerprint(); })});
  assets_.offer(router);
}

void Page::tell_about(Respond respond) {
  lanes_.disk.run([this, settings = settings_.now()] { return users_.has_web_admin(settings); },
                  [this, respond = std::move(respond)](const std::optional<bool>& known) mutable {
                    JsonObject object;
                    object.add_safe("api", "v1");
                    object.add_safe("version", APDEPOT_VERSION);
                    object.add("needs_setup", known && !*known && code_.text());
                    respond({.body = object.text() + "\n"});
                  });
}

Reply Page::session(const Request& request) {
  return {.body = session_json(request.name, request.role, sessions_.csrf_of(request.login))};
}

Reply Page::log_out(const Request& request) {
  sessions_.end(request.login);
  Reply reply{.status = 204};
  reply.headers.emplace_back("Set-Cookie", set_cookie("", request.secure, true));
  return reply;
}

std::optional<Reply> Page::too_often(const Request& request, const std::string& user) {
  const auto address = request.address();
  const bool trusted = is_in(plain(address), settings_->ssh.trusted);
  const auto wait = limits_.begin(address, trusted, LoginLimits::Clock::now());
  if (!wait) return {};
  events_.emit(event::WebLoginFailed{user, request.client, event::LoginFault::not_judged});
  auto reply = http::problem(429, "too many tries",
                             fmt::format("too many logins from {} have failed: the next may be in {} s",
                                         request.client, wait->count()),
                             "wait, or put its network into ssh.trusted; on the server itself `apdepot user "
                             "passwd NAME` always works");
  reply.headers.emplace_back("Retry-After", fmt::format("{}", wait->count()));
  return reply;
}

void Page::log_in(const Request& request, Respond respond) {
  auto form = form_of(request, {"name", "password"});
  if (!form) return respond(std::move(form.error()));
  auto& name = (*form)["name"];
  Secret password(std::move((*form)["password"]));
  if (name.size() > longest_name || password.text().size() > longest_password)
    return respond(http::problem(400, "bad request", "the name or the password is too long"));
  if (auto refused = too_often(request, name)) return respond(std::move(*refused));
  hashing_.run(
      client_network(request.address()),
      [this, settings = settings_.now(), name, password = std::move(password)] {
        auto lookup = users_.find(settings, name);
        const bool good =
            verify_password(password.text(), lookup.user ? lookup.user->user.password_hash : "");
        return Verdict{std::move(lookup), good};
      },
      [this, name, respond = std::move(respond), login = request.login, client = request.client,
       secure = request.secure](std::optional<Verdict> verdict) mutable {
        Request from{.name = name, .login = login, .client = client, .secure = secure};
        conclude(from, verdict, std::move(respond));
      });
}

void Page::conclude(const Request& request, const std::optional<Verdict>& verdict, Respond respond) {
  using enum event::LoginFault;
  if (!verdict) return;  // which answers that the server gave it up
  const auto& [lookup, good] = *verdict;
  const bool may = lookup.user && lookup.user->user.web != conf::WebRole::none;
  if (!good || !may) {
    const auto fault = !lookup.user ? lookup.similar.empty() ? unknown_user : other_case
                       : good       ? no_web
                       : lookup.user->user.password_hash.empty() ? no_password
                                                                 : wrong_password;
    events_.emit(event::WebLoginFailed{request.name, request.client, fault});
    return respond(wrong_login());
  }
  limits_.succeeded(request.address());
  sessions_.end(request.login);  // that of the browser so far
  const auto opened = sessions_.open(lookup.user->user, Sessions::Clock::now());
  events_.emit(event::WebLoggedIn{lookup.user->user.name, request.client});
  const auto role = lookup.user->user.web == conf::WebRole::admin ? Role::admin : Role::viewer;
  Reply reply{.body = session_json(lookup.user->user.name, role, opened.csrf)};
  reply.headers.emplace_back("Set-Cookie", set_cookie(opened.cookie, request.secure, false));
  respond(std::move(reply));
}

namespace {

enum class Made { done, has_admin, name_taken, failed };
struct Outcome {
  Made made;
  std::string why;
};

// For a worker. Others who change the file wait meanwhile.
Outcome make_first_admin(Users& users, const std::shared_ptr<const conf::Settings>& settings,
                         const std::filesystem::path& file, const std::string& name, const Secret& password) {
  try {
    conf::User user;
    user.name = name;
    user.password_hash = hash_password(password.text());
    user.web = conf::WebRole::admin;
    user.sftp = false;
    const storage::DirectoryLock lock(file.parent_path());
    if (users.has_web_admin(settings)) return {Made::has_admin, {}};
    const auto lookup = users.find(settings, name);
    if (lookup.user || !lookup.similar.empty()) return {Made::name_taken, {}};
    auto all = conf::load_users(file);
    all.push_back(std::move(user));
    conf::save_users(all, file);
    return {Made::done, {}};
  } catch (const std::exception& e) {
    return {Made::failed, e.what()};
  }
}

Reply no_setup() {
  return http::problem(404, "not found", "the page has an administrator already", "log in");
}

Reply reply_of(const Outcome& outcome, const std::string& name) {
  switch (outcome.made) {
    case Made::done:
      return {.status = 201, .body = session_json(name, Role::admin, "")};
    case Made::has_admin:
      return no_setup();
    case Made::name_taken:
      return http::problem(409, "conflict", fmt::format("there is a user {} already", name),
                           fmt::format("choose another name, or `apdepot user web {} admin`", name));
    case Made::failed:
      break;
  }
  return http::problem(500, "not done", outcome.why,
                       "on the server itself: `apdepot user add NAME --web admin`");
}

}  // namespace

void Page::set_up(const Request& request, Respond respond) {
  if (!code_.text() || !setting_up_.expired()) return respond(no_setup());
  auto form = form_of(request, {"code", "name", "password"});
  if (!form) return respond(std::move(form.error()));
  auto& name = (*form)["name"];
  Secret password(std::move((*form)["password"]));
  if (!conf::is_user_name(name))
    return respond(http::problem(400, "bad request", "that is not a valid user name",
                                 "letters, digits, '.', '_' and '-', 32 at most"));
  if (password.text().size() < least_password || password.text().size() > longest_password)
    return respond(http::problem(
        400, "bad request", fmt::format("a password has {} to {} bytes", least_password, longest_password)));
  if (auto refused = too_often(request, name)) return respond(std::move(*refused));
  if (!code_.is((*form)["code"])) {
    events_.emit(event::WebLoginFailed{name, request.client, event::LoginFault::wrong_code});
    return respond(http::problem(403, "not permitted", "that is not the code of this start of the server",
                                 "`apdepot web code` prints it, and so does the server's log"));
  }
  limits_.succeeded(request.address());
  const auto first = std::make_shared<const std::string>(name);
  setting_up_ = first;
  hashing_.run(
      client_network(request.address()),
      [this, settings = settings_.now(), first, password = std::move(password)] {
        return make_first_admin(users_, settings, users_file(*settings, depot_), *first, password);
      },
      [this, first, client = request.client,
       respond = std::move(respond)](std::optional<Outcome> outcome) mutable {
        if (!outcome) return;
        if (outcome->made == Made::done || outcome->made == Made::has_admin) code_.forget();
        events_.emit(event::Acted{*first, "set up", "the page, from " + client,
                                  outcome->made == Made::done ? "done" : "not done " + outcome->why});
        respond(reply_of(*outcome, *first));
      });
}

Reply Page::code() const {
  if (!code_.text())
    return http::problem(
        404, "no code", urls_.empty() ? "no page is served" : "the page has an administrator already",
        urls_.empty() ? "web.listen says where it is served" : "`apdepot user web NAME admin` makes another");
  JsonObject object;
  object.add_safe("code", *code_.text());
  object.add_raw("pages", json_texts({setup_url()}));
  return {.body = object.text() + "\n"};
}

Reply Page::fingerprint() const {
  if (certificate_.fingerprint().empty())
    return http::problem(404, "no certificate", "nothing is served over TLS: the page is on loopback alone",
                         "web.listen with another address takes a certificate, and so does http.listen with "
                         "https://");
  JsonObject object;
  object.add_safe("fingerprint", certificate_.fingerprint());
  object.add_raw("pages", json_texts(urls_));
  return {.body = object.text() + "\n"};
}

}  // namespace server
