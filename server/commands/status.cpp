#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <thread>

#include "server/commands/command.hpp"
#include "server/commands/status_screen.hpp"
#include "server/http/client.hpp"
#include "server/os/host_text.hpp"
#include "server/os/terminal.hpp"
#include "server/text/json_reader.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr unsigned wide_pipe = 140;  // columns, where nobody says how many there are

constexpr Flag flags[]{{"--watch", "", "show it again each second, until Ctrl-C"},
                       {"--json", "", "print JSON: docs/api.md"},
                       {"--metrics", "", "print metrics, as Prometheus reads them"},
                       {"--stop", "ID", "stop the transfer of that number; --json shows the numbers"}};

struct NoServer : std::runtime_error {
  explicit NoServer(const storage::Depot& depot, const std::system_error& why)
      : std::runtime_error(fmt::format("no server answers for the depot {}: {}; is it running? `{}`, "
                                       "and --depot DIR or --config FILE names another depot",
                                       storage::utf8_of(depot.directory()), why.code().message(),
                                       host::status)) {}
};

std::string ask(http::Client& client, const std::string& method, const std::string& path) {
  const auto reply = client.ask(method, path);
  if (reply.status >= 300) throw std::runtime_error(reply.body);
  return text_said(reply.body);
}

// All that run: the server tells them page by page.
std::string transfers_of(http::Client& client) {
  constexpr std::string_view head = "{\"items\":[", foot = "],\"next\":";
  std::string items;
  for (std::string query;;) {
    const auto page = ask(client, "GET", "/api/v1/transfers" + query);
    const auto end = page.rfind(foot);
    if (!page.starts_with(head) || end == page.npos)
      throw std::runtime_error("the server is of another version: restart it");
    const auto more = page.substr(head.size(), end - head.size());
    items.append(items.empty() || more.empty() ? "" : ",\n").append(more);
    const auto next = page.substr(end + foot.size(), page.rfind('}') - end - foot.size());
    if (next == "null") return fmt::format("{}{}]}}", head, items);
    query = "?after=" + next;
  }
}

StatusView view_of(http::Client& client) {
  const auto status = ask(client, "GET", "/api/v1/status"), transfers = transfers_of(client);
  return status_view(status, transfers, ask(client, "GET", "/api/v1/recent"));
}

std::string text_of(const std::vector<std::string>& lines, std::string_view end) {
  std::string text;
  for (const auto& line : lines) text.append(line).append(end);
  return text;
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

std::string json_of(http::Client& client) {
  auto status = ask(client, "GET", "/api/v1/status"), transfers = transfers_of(client),
       recent = ask(client, "GET", "/api/v1/recent");
  return fmt::format("{{\"status\":{},\"transfers\":{},\"recent\":{}}}\n", status, transfers, recent);
}

// One frame in one write, over the one before: whoever stops it with Ctrl-C keeps the last.
std::string frame(const StatusView& view) {
  const auto size = terminal_size();
  const Screen screen{size.columns, size.rows, speaks_utf8()};
  return "\x1b[H" + text_of(status_lines(view, screen), "\x1b[K\n") + "\x1b[J";
}

int watch(const storage::Depot& depot, bool json) {
  const bool terminal = stdout_is_terminal() && !json;
  if (terminal) print("\x1b[2J");
  for (;; std::this_thread::sleep_for(1s)) {
    try {
      http::Client client(depot.state());
      if (json) {
        print(json_of(client));
      } else if (terminal) {
        print(frame(view_of(client)));
      } else {
        print(text_of(status_lines(view_of(client), {wide_pipe, {}, speaks_utf8()}), "\n") + "\n");
      }
    } catch (const std::system_error& e) {
      const NoServer error(depot, e);
      if (!terminal) throw error;
      print(fmt::format("\x1b[H{}: trying again\x1b[K\n", error.what()));
    }
  }
}

int run(Arguments& arguments) {
  arguments.expect_no_more();
  const auto depot = existing_depot(arguments);
  const bool json = arguments.has("--json");
  if (arguments.has("--watch")) return watch(depot, json);
  try {
    http::Client client(depot.state());
    if (const auto id = arguments.value("--stop")) {
      ask(client, "DELETE", "/api/v1/transfers/" + *id);
      return 0;
    }
    if (arguments.has("--metrics")) {
      print(ask(client, "GET", "/metrics"));
    } else if (json) {
      print(json_of(client));
    } else {
      const unsigned columns = stdout_is_terminal() ? terminal_size().columns : wide_pipe;
      print(text_of(status_lines(view_of(client), {columns, {}, speaks_utf8()}), "\n"));
    }
    return 0;
  } catch (const std::system_error& e) {
    throw NoServer(depot, e);
  }
}

}  // namespace

const Command status_command{
    "status", "", "shows what a running server does: transfers, rates, the last troubles", flags, run};

}  // namespace server
