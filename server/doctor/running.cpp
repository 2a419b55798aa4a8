#include "server/doctor/running.hpp"

#include <fmt/format.h>

#include <charconv>

#include "server/doctor/check.hpp"
#include "server/http/client.hpp"
#include "server/os/host_text.hpp"
#include "server/text/escape.hpp"
#include "server/text/json_reader.hpp"

namespace server::doctor {
namespace {

constexpr double slow_turn_ms = 50;
using host::restart;

std::vector<conf::Endpoint> endpoints_of(const YAML::Node& status, const char* protocol) {
  std::vector<conf::Endpoint> endpoints;
  const auto listen = status["listen"];
  if (!listen || !listen.IsMap()) return endpoints;
  for (const auto& each : listen[protocol])
    if (const auto endpoint = conf::parse_http_endpoint(each.as<std::string>("")))
      endpoints.push_back(endpoint->at);
  return endpoints;
}

std::vector<std::string> page_urls(const YAML::Node& status) {
  std::vector<std::string> urls;
  const auto listen = status["listen"];
  if (!listen || !listen.IsMap()) return urls;
  for (const auto& each : listen["web"]) urls.push_back(escaped(each.as<std::string>("")));
  return urls;
}

std::string ask(http::Client& client, const char* path) {
  auto reply = client.ask("GET", path);
  if (reply.status >= 300) throw std::runtime_error(reply.body);
  return std::move(reply.body);
}

void look(Sight& sight) {
  if (!sight.units) sight.units = read_units();
}

Result run(const Sight& sight) {
  if (!sight.depot) return not_seen("where there is no depot, no server can be asked: " + sight.no_depot);
  return judge_running(sight.server, APDEPOT_VERSION, sight.units && sight.units->service.is_loaded());
}

}  // namespace

ServerFacts server_facts(const std::string& text) {
  const auto status = read_json(text, "the server's answer");
  const auto version = member<std::string>(status, "version");
  if (!version) throw std::runtime_error("the server's answer has no version");
  ServerFacts facts;
  facts.version = text_said(status, "version");
  facts.draining = member<bool>(status, "draining").value_or(false);
  if (const auto loop = status["loop"]; loop && loop.IsMap())
    facts.longest_ms = member<double>(loop, "longest_ms").value_or(0);
  facts.tftp = endpoints_of(status, "tftp");
  facts.ssh = endpoints_of(status, "ssh");
  facts.http = endpoints_of(status, "http");
  facts.web = page_urls(status);
  return facts;
}

std::uint64_t history_warnings_in(std::string_view metrics) {
  constexpr std::string_view sample = "apdepot_warnings_total{kind=\"history\"} ";
  std::uint64_t count = 0;
  if (const auto place = metrics.find(sample); place != metrics.npos) {
    const auto rest = metrics.substr(place + sample.size());
    std::from_chars(rest.data(), rest.data() + rest.size(), count);
  }
  return count;
}

ServerReading ask_server(const storage::Depot& depot) {
  ServerReading reading;
  try {
    http::Client client(depot.state());
    reading.server = server_facts(ask(client, "/api/v1/status"));
    reading.server->pid = client.process();
    reading.server->misses = recent_misses(ask(client, "/api/v1/recent"));
    reading.server->history_warnings = history_warnings_in(ask(client, "/metrics"));
  } catch (const std::system_error& e) {
    reading.failure = e.code();
  } catch (const std::exception& e) {
    reading.told = e.what();
  }
  return reading;
}

Result judge_running(const ServerReading& reading, const std::string& own, bool unit) {
  Result result;
  const auto* const start = unit ? restart : "apdepot serve";
  if (!reading.told.empty()) {
    result.fails(escaped(reading.told, most_of_ours), start);
  } else if (reading.failure == std::errc::permission_denied) {
    result.unknown("this user may not ask the server: root, the server's user and its group may");
  } else if (reading.failure == std::errc::timed_out) {
    result.fails("a server listens on the control socket and does not answer: it hangs", start);
  } else if (!reading.server) {
    result.fails(fmt::format("no server answers for this depot: {}", reading.failure.message()), start);
  }
  if (!reading.server) return result;
  const auto& server = *reading.server;
  if (server.version != own)
    result.look(fmt::format("the server is of version {}, and this program of {}: it was not restarted after "
                            "an upgrade",
                            escaped(server.version), own),
                start);
  if (server.draining) result.look("the server ends once the running transfers have ended");
  if (server.longest_ms > slow_turn_ms)
    result.look(
        fmt::format("a turn of the server's loop took {:.0f} ms: other transfers stood still meanwhile",
                    server.longest_ms));
  return std::move(result).or_ok(fmt::format("version {}{}", escaped(server.version),
                                             server.pid ? fmt::format(", PID {}", *server.pid) : ""));
}

const Check running_check{"running", "running", look, run};

}  // namespace server::doctor
