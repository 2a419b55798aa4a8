#include "server/page/page.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>

#include <exception>

#include "conf/settings.hpp"
#include "conf/tokens.hpp"
#include "server/events/events.hpp"
#include "server/events/warning.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/networks.hpp"
#include "server/os/addresses.hpp"
#include "server/page/origin.hpp"
#include "server/text/escape.hpp"
#include "storage/depot/depot.hpp"

namespace server {
namespace {

using http::Proof;
using http::Reply;
using http::Request;
using http::Role;

constexpr std::string_view bearer = "Bearer ";
constexpr std::size_t longest_secret = 128;  // of a cookie or a token
constexpr std::size_t hashed_at_once = 1;    // the lane has two threads, and SSH needs them too

constexpr auto policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action "
    "'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

Role role_of(conf::WebRole role) {
  return role == conf::WebRole::admin    ? Role::admin
         : role == conf::WebRole::viewer ? Role::viewer
                                         : Role::none;
}

bool equal(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string url_of(const tcp::endpoint& endpoint) {
  const bool plain = endpoint.address().is_loopback();
  return fmt::format("{}://{}", plain ? "http" : "https",
                     conf::Endpoint{endpoint.address().to_string(), endpoint.port()}.text());
}

// What a browser is to be given for it: nobody can go to 0.0.0.0.
net::ip::address typed_in(const net::ip::address& address) {
  if (!address.is_unspecified()) return address;
  const auto own = own_addresses();
  return own.empty() ? address : own.front();
}

// The last address that no proxy of ours has: whatever stands before it, the client may have written.
std::string forwarded_client(std::string_view header, const std::vector<conf::Network>& proxies) {
  while (!header.empty()) {
    const auto comma = header.rfind(',');
    auto text = header.substr(comma == header.npos ? 0 : comma + 1);
    header = header.substr(0, comma == header.npos ? 0 : comma);
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    error_code error;
    const auto address = net::ip::make_address(std::string(text), error);
    if (error) return {};
    if (!is_in(plain(address), proxies)) return address.to_string();
  }
  return {};
}

}  // namespace

Page::Page(net::io_context& loop, Lanes& lanes, Events& events, const LiveSettings& settings,
           const storage::Depot& depot, ServedCertificate& certificate)
    : loop_(loop),
      lanes_(lanes),
      events_(events),
      settings_(settings),
      depot_(depot),
      certificate_(certificate),
      users_(depot),
      hashing_(lanes.hashing, hashed_at_once, hashed_at_once) {}

void Page::begin(std::vector<tcp::acceptor> acceptors, http::Listener& listener) {
  for (auto& acceptor : acceptors) {
    const auto bound = acceptor.local_endpoint();
    urls_.push_back(url_of(bound));
    if (reached_by_.empty()) reached_by_ = url_of({typed_in(bound.address()), bound.port()});
    const bool tls = !bound.address().is_loopback();
    if (tls) certificate_.want();
    listener.serve_page(
        std::move(acceptor), *this,
        tls ? std::function<http::Listener::Tls()>([this] { return certificate_.context(); }) : nullptr);
  }
  if (urls_.empty() || users_.has_web_admin(settings_.now())) return;
  code_.make();
  events_.warn(
      Warning::page,
      fmt::format("nobody may change anything on the page yet: {} makes you its first administrator, or "
                  "`apdepot user add NAME --web admin`",
                  setup_url()));
}

std::string Page::setup_url() const {
  return code_.text() && !reached_by_.empty() ? fmt::format("{}/#code={}", reached_by_, *code_.text()) : "";
}

std::string Page::without_code(std::string text) const {
  const auto at = code_.text() ? text.find(*code_.text()) : text.npos;
  if (at != text.npos) text.replace(at, code_.text()->size(), "...");
  return text;
}

std::vector<std::pair<std::string, std::string>> Page::headers(bool secure) const {
  std::vector<std::pair<std::string, std::string>> all{{"Content-Security-Policy", policy},
                                                       {"Referrer-Policy", "no-referrer"},
                                                       {"Cross-Origin-Opener-Policy", "same-origin"},
                                                       {"Cross-Origin-Resource-Policy", "same-origin"}};
  if (secure && settings_->web.hsts && settings_->web.certificate)
    all.emplace_back("Strict-Transport-Security", "max-age=31536000");
  return all;
}

bool Page::is_proxy(const net::ip::address& peer) const { return is_in(plain(peer), settings_->web.proxies); }

void Page::find_client(const http::Head& head, Request& request) const {
  const bool proxied = is_proxy(head.peer);
  request.client = proxied ? forwarded_client(head.forwarded_for, settings_->web.proxies) : std::string();
  if (request.client.empty()) request.client = head.peer.to_string();
  request.secure = head.tls || (proxied && head.forwarded_proto == "https");
}

net::awaitable<std::optional<Reply>> Page::admit(const http::Head& head, Request& request) {
  find_client(head, request);
  request.proof = is_own_origin(request.secure ? "https" : "http", head.host, head.origin, head.fetch_site)
                      ? Proof::no_token
                      : Proof::foreign_origin;
  if (head.hosts != 1)
    co_return http::problem(400, "bad request",
                            fmt::format("there are {} headers Host, not one", head.hosts));
  if (!is_own_host(head.host, settings_->web.names))
    co_return http::safe_problem(421, "misdirected request",
                                 fmt::format("{} is not a name of this server", escaped(head.host)),
                                 "ask by its address, or put the name into web.names of the configuration");
  if (is_proxy(head.peer) && head.forwarded_proto.find(',') != std::string::npos)
    co_return http::problem(400, "bad request", "there is more than one X-Forwarded-Proto",
                            "have the proxy set the header, not add to what the client sent");
  if (head.authorization.starts_with(bearer))
    co_return co_await admit_token(head.authorization.substr(bearer.size()), request);
  // The page's files are for everybody.
  if (request.path.starts_with("/api/") || request.path == "/metrics") co_await admit_session(head, request);
  co_return std::nullopt;
}

net::awaitable<std::optional<Reply>> Page::admit_token(std::string token, Request& request) {
  struct Found {
    std::optional<conf::Token> token;
    std::string trouble;
  };
  token.resize(std::min(token.size(), longest_secret));
  const auto find = [this, settings = settings_.now(), token = std::move(token)] {
    try {
      return Found{tokens_.find(tokens_file(users_file(*settings, depot_)), token), {}};
    } catch (const std::exception& e) {
      return Found{{}, e.what()};
    }
  };
  const auto found = co_await lanes_.finding.run(client_network(request.address()), find);
  if (!found.trouble.empty()) events_.warn_rarely(Warning::users, found.trouble);
  if (!found.token) {
    auto refused = http::problem(401, "not logged in", "the token opens nothing here",
                                 "`apdepot token add NAME --role viewer` makes one");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer");
    co_return refused;
  }
  request.role = role_of(found.token->role);
  request.name = found.token->name;
  request.login = "token " + found.token->name;
  request.proof = Proof::needless;
  co_return std::nullopt;
}

net::awaitable<void> Page::admit_session(const http::Head& head, Request& request) {
  const auto cookie = cookie_of(head.cookie, session_cookie(request.secure));
  if (cookie.empty() || cookie.size() > longest_secret) co_return;
  const auto session = sessions_.find(cookie, Sessions::Clock::now());
  if (!session) co_return;
  const bool good = co_await holds(*session, request);
  if (!good) co_return;
  request.role = role_of(session->role);
  request.name = session->name;
  request.login = session->digest;
  if (request.proof == Proof::no_token && equal(head.csrf, session->csrf)) request.proof = Proof::given;
}

// By what the accounts say now.
net::awaitable<bool> Page::holds(const Sessions::Session& session, const Request& request) {
  const auto find = [this, settings = settings_.now(), name = session.name] {
    return users_.find(settings, name);
  };
  const auto lookup = co_await lanes_.finding.run(client_network(request.address()), find);
  co_return sessions_.holds(session, lookup.user ? &lookup.user->user : nullptr);
}

net::awaitable<bool> Page::still_admits(const http::Head& head, const Request& request) {
  if (head.authorization.starts_with(bearer)) {
    auto again = request;
    again.role = Role::none;
    co_await admit_token(head.authorization.substr(bearer.size()), again);
    co_return again.role == request.role;
  }
  const auto session = sessions_.known(request.login, Sessions::Clock::now());
  if (!session) co_return false;
  co_return co_await holds(*session, request);
}

}  // namespace server
