#include "server/http/router.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <set>

namespace server::http {
namespace {

constexpr std::string_view any_part = "{}";

// What stands for "{}" in the path; empty where there is none of it. Nothing: another path.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with(any_part)) return pattern == path ? std::optional<std::string>("") : std::nullopt;
  pattern.remove_suffix(any_part.size());
  if (!path.starts_with(pattern)) return {};
  path.remove_prefix(pattern.size());
  if (path.empty() || path.find('/') != path.npos) return {};
  return std::string(path);
}

}  // namespace

Reply Router::answer(const Request& request, Door door) const {
  std::set<std::string> methods;
  for (const auto& route : routes_) {
    if (door == Door::metrics && !route.at_metrics) continue;
    const auto part = match(route.pattern, request.path);
    if (!part) continue;
    methods.insert(route.method);
    if (route.method != request.method && !(request.method == "HEAD" && route.method == "GET")) continue;
    if (request.role < route.needs)
      return problem(403, "not permitted",
                     fmt::format("{} {} is for administrators", request.method, request.path),
                     "run the command as root, or as the user that the server runs as");
    return route.answer(request, *part);
  }
  if (methods.empty())
    return problem(404, "not found", fmt::format("{} is not an endpoint here", request.path),
                   "docs/api.md lists all");
  return problem(405, "method not allowed",
                 fmt::format("{} takes {}, not {}", request.path, fmt::join(methods, ", "), request.method));
}

}  // namespace server::http
