#include "server/probe/connect.hpp"

#include <fmt/format.h>

#include <optional>

#include "server/probe/endpoint_text.hpp"
#include "server/probe/resolve.hpp"
#include "server/text/escape.hpp"

namespace server::probe {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_name_service = 10s;

bool fail(Report& report, Cause cause, std::string what) {
  report.cause = cause;
  report.what = std::move(what);
  return false;
}

}  // namespace

bool connect_to(const Target& target, std::chrono::milliseconds patience, net::io_context& loop,
                tcp::socket& socket, Report& report) {
  const auto resolved = resolve(target.host, longest_name_service);
  if (resolved.addresses.empty())
    return fail(report, Cause::no_address,
                fmt::format("{} has no address: {}", escaped(target.host), resolved.error));
  const tcp::endpoint endpoint(resolved.addresses.front(), target.port);
  report.host = endpoint.address().to_string();
  report.server = endpoint_text(endpoint);
  std::optional<error_code> result;
  socket.async_connect(endpoint, [&result](const error_code& error) { result = error; });
  loop.run_for(patience);
  const auto seconds = std::chrono::duration<double>(patience).count();
  if (!result || *result == net::error::timed_out)
    return fail(report, Cause::timed_out,
                fmt::format("no answer came from TCP port {} within {:.0f} s", target.port, seconds));
  if (*result == net::error::connection_refused)
    return fail(report, Cause::refused,
                fmt::format("nobody listens on TCP port {} of {}", target.port, report.host));
  if (*result)
    return fail(report, Cause::no_route,
                fmt::format("connecting to {} failed: {}", report.server, result->message()));
  return true;
}

}  // namespace server::probe
