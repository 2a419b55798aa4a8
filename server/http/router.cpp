#include "server/http/router.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

#include "protocols/http/percent.hpp"
#include "server/os/host_text.hpp"

namespace server::http {
namespace {

constexpr std::string_view any_part = "{}", any_path = "{path...}";

// What stands for the pattern's variable; empty where it has none. Nothing: another path.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const bool many = pattern.find(any_path) != pattern.npos;
  const auto variable = many ? any_path : any_part;
  const auto at = pattern.find(variable);
  if (at == pattern.npos) return pattern == path ? std::optional<std::string>("") : std::nullopt;
  const auto before = pattern.substr(0, at), after = pattern.substr(at + variable.size());
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
    return {};
  path.remove_prefix(before.size());
  path.remove_suffix(after.size());
  if (!many) return path.find('/') == path.npos ? protocols::http::percent_decoded(path) : std::nullopt;
  auto part = protocols::http::percent_decoded(path);
  if (part && !part->starts_with('/')) part->insert(0, 1, '/');
  return part;
}

bool takes(const Route& route, const std::string& method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

// What a browser's form can send without asking first.
bool is_form(const std::string& type) {
  return type == "application/x-www-form-urlencoded" || type == "multipart/form-data";
}

// Why `request` may not use `route`.
std::optional<Reply> refusal(const Route& route, const Request& request) {
  const auto what = fmt::format("{} {}", request.method, request.path);
  const bool page = request.proof != Proof::needless;
  if (request.role == Role::none && route.needs != Role::none)
    return problem(401, "not logged in", what + " is for those who are logged in",
                   "log in on the page, or send a token: `apdepot token add NAME --role viewer` makes one");
  if (request.role < route.needs)
    return problem(403, "not permitted", what + " is for administrators",
                   page ? std::string("log in as a user with web: admin")
                        : fmt::format("run the command {}, or as the user that the server runs as",
                                      host::as_administrator));
  if (!route.writes) return {};
  if (request.proof == Proof::foreign_origin)
    return problem(403, "not permitted", what + " did not come from this server's own page",
                   "send the header Origin with the address that is asked, or use a token");
  if (request.proof == Proof::no_token && route.needs != Role::none)
    return problem(403, "not permitted", what + " came without the session's X-CSRF",
                   "send the header X-CSRF with the `csrf` of GET /api/v1/session");
  if (is_form(request.content_type))
    return problem(415, "unsupported media type", what + " does not take a form", "send application/json");
  return {};
}

Reply not_found(const Request& request, const std::set<std::string>& methods) {
  if (methods.empty())
    return problem(404, "not found", fmt::format("{} is not an endpoint here", request.path),
                   "docs/api.md lists all");
  auto reply =
      problem(405, "method not allowed",
              fmt::format("{} takes {}, not {}", request.path, fmt::join(methods, ", "), request.method));
  reply.headers.emplace_back("Allow", fmt::format("{}", fmt::join(methods, ", ")));
  return reply;
}

}  // namespace

std::string_view word(Door door) {
  switch (door) {
    case Door::control:
      return "control";
    case Door::page:
      return "page";
    case Door::metrics:
      break;
  }
  return "metrics";
}

Router::Found Router::find(const Request& request, Door door) const {
  Found found;
  for (const auto& route : routes_) {
    if (!route.doors.contains(door)) continue;
    auto part = match(route.pattern, request.path);
    if (!part) continue;
    found.methods.insert(route.method);
    if (takes(route, request.method)) return {&route, std::move(*part), {}};
  }
  return found;
}

void Router::answer(const Request& request, Door door, Respond respond) const {
  const auto found = find(request, door);
  if (!found.route) return respond(not_found(request, found.methods));
  if (auto refused = refusal(*found.route, request)) return respond(std::move(*refused));
  found.route->answer(request, found.part, std::move(respond));
}

bool Router::takes_pieces(const Request& request, Door door) const {
  const auto found = find(request, door);
  return found.route && found.route->receive;
}

std::variant<Reply, std::unique_ptr<Receiver>> Router::receive(const Request& request, Door door) const {
  const auto found = find(request, door);
  if (!found.route) return not_found(request, found.methods);
  if (auto refused = refusal(*found.route, request)) return std::move(*refused);
  return found.route->receive(request, found.part);
}

}  // namespace server::http
